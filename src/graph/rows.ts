/**
 * Rows of logits: at some positions only, without computing the others, and a block of rows at a time.
 *
 * A language model ends in an operation that is the same at every position: a product with the vocabulary matrix, perhaps a
 * bias, a scale or a cast. When the graph ends so, the requested rows are selected before that product, which is
 * repeated for them alone; prune.ts removes the original nodes, which no output needs any more. If the graph ends
 * differently, the rows are selected from the logits.
 */
import { type DType, dtypeName } from './dtype.js';
import type { Graph, Value } from './graph.js';
import { blockProductSizes, isBlockProduct, isIntegerProduct } from './integer-product.js';
import type { NodeProto } from './onnx.js';
import {
  Add,
  Concat,
  Div,
  Gather,
  GatherND,
  Min,
  Mul,
  Range,
  Reshape,
  Scan,
  Shape,
  Slice,
  Sub,
  Unsqueeze,
} from './operators.js';

/** Operations on a weight before its use: transpose it, widen it from float16 or int8, scale it. */
const OF_WEIGHTS = new Set(['Transpose', 'Cast', 'DequantizeLinear', 'Identity']);
/** Limit on consecutive operations of this kind, because a damaged graph may have a cycle. */
const MOST_STEPS = 6;
const POSITIONWISE = new Set(['Add', 'Sub', 'Mul', 'Div', 'Cast', 'Identity']);

/**
 * @param logits name of a tensor [batch, length, vocab]   @param rows int64 [n, 2]: pairs (sequence, position)
 * @returns [n, vocab]
 */
export function projectedRows(graph: Graph, logits: string, rows: Value): Value {
  const last = projection(graph, logits);
  return last ? last.project(GatherND(last.states, rows)) : GatherND(graph.value(logits), rows);
}

/**
 * Moves the logits by one position: row i of the graph's output becomes row i − 1, and row 0 stays. A graph that ends in a product
 * with the vocabulary matrix still does: its states are moved, which are narrower.
 * @param logits name of an output [batch, length, vocab]
 */
export function shiftLogits(graph: Graph, logits: string, dtype: DType): void {
  const last = projection(graph, logits, dtype);
  const unshifted = `${logits}:unshifted`;
  for (const node of graph.proto.node) {
    node.output = node.output.map((name) => (name === logits ? unshifted : name));
    node.input = node.input.map((name) => (name === logits ? unshifted : name));
  }
  graph.scope('shift', () => {
    if (last) last.project(shiftedRows(last.states));
    else shiftedRows({ graph, name: unshifted, dtype });
  });
  // the node that was appended last
  graph.proto.node[graph.proto.node.length - 1].output = [logits];
}

/** [batch, length, …]: row 0, then all rows but the last. */
function shiftedRows(values: Value): Value {
  const part = (ends: number) => Slice(values, { starts: [0], ends: [ends], axes: [1] });
  return Concat([part(1), part(-1)], { axis: 1 });
}

/** Entries per row of logits; null if the weights do not show it. */
export function logitsWidth(graph: Graph, logits: string, dtype: DType): number | null {
  return projection(graph, logits, dtype)?.outputs || null;
}

/** The shape of the logits, int64 [3], without computing them if the graph ends in a projection. */
export function logitsShape(graph: Graph, logits: string, dtype: DType): Value {
  const last = projection(graph, logits, dtype);
  if (!last) return Shape(graph.value(logits, dtype));
  const at = (places: readonly number[]) => graph.constant(places, 'int64');
  const width = last.inBlocks ? at([last.outputs]) : Gather(Shape(last.matrix), at([1]));
  return Concat([Gather(Shape(last.states), at([0, 1])), width], { axis: 0 });
}

/** The last operation of a network, which can be repeated for other rows. */
export interface Projection {
  /** The projected states of all positions, [batch, length, width]. */
  readonly states: Value;
  /** The vocabulary matrix, [width, vocab]; or its codes in blocks, where only the operator knows its sizes. */
  readonly matrix: Value;
  readonly inBlocks: boolean;
  /** Width of a state; 0 if the graph does not show it. */
  readonly width: number;
  /** Entries per row of logits; 0 if the graph does not show it. */
  readonly outputs: number;
  /** Logits [n, vocab] of states [n, width], in the graph (or the body of one) that the states belong to. */
  project(states: Value): Value;
}

/** Null for a graph that does not end in a product with the vocabulary matrix. */
export function projection(
  graph: Graph,
  logits: string,
  dtype: DType = graph.value(logits).dtype,
): Projection | null {
  const chain = projectionChain(graph, logits);
  if (!chain) return null;
  const [product] = chain;
  const inBlocks = isBlockProduct(product);
  // Of the operands of a product of whole numbers, the scales are of its type.
  const ofProduct = chain.some(({ opType }) => opType === 'Cast')
    ? typeOf(graph, product.input[inBlocks || isIntegerProduct(product) ? 2 : 1])
    : dtype;
  if (ofProduct === null) return null;
  const states: Value = { graph, name: product.input[0], dtype: ofProduct };
  const size = (axis: 0 | 1) =>
    inBlocks ? blockProductSizes(product)[axis] : matrixSize(graph, product.input[1], axis);
  return {
    states,
    matrix: { graph, name: product.input[1], dtype },
    inBlocks,
    width: size(0),
    outputs: size(1),
    project(rows) {
      let { name } = states;
      let current = rows;
      for (const node of chain) {
        current = rows.graph.copyNode(node, new Map([[name, current]]), dtype);
        name = node.output[0];
      }
      return current;
    },
  };
}

/** Element type of a weight; null if the graph does not show it. */
function typeOf(graph: Graph, weight: string, steps = MOST_STEPS): DType | null {
  const made = graph.proto.initializer.find((tensor) => tensor.name === weight);
  if (made) return dtypeName(made.dataType);
  const node = graph.proto.node.find(({ output }) => output[0] === weight);
  if (steps === 0 || !node || !OF_WEIGHTS.has(node.opType)) return null;
  if (node.opType === 'Cast')
    return dtypeName(Number(node.attribute.find(({ name }) => name === 'to')?.i ?? 0n));
  // A scale has the type of what it scales to.
  return typeOf(graph, node.input[node.opType === 'DequantizeLinear' ? 1 : 0], steps - 1);
}

/** Number of rows (axis 0) or columns (axis 1) of a weight; 0 if the graph does not show it. */
function matrixSize(graph: Graph, matrix: string, axis: 0 | 1, steps = MOST_STEPS): number {
  const dims = graph.proto.initializer.find((tensor) => tensor.name === matrix)?.dims;
  if (dims) return Number(dims.at(axis === 0 ? 0 : -1) ?? 0);
  const node = graph.proto.node.find(({ output }) => output[0] === matrix);
  if (steps === 0 || !node || !OF_WEIGHTS.has(node.opType)) return 0;
  const turned = node.opType === 'Transpose' ? (axis === 0 ? 1 : 0) : axis;
  return matrixSize(graph, node.input[0], turned, steps - 1);
}

/** The nodes from the vocabulary product to the logits, or null when they do not form such a chain. */
function projectionChain(graph: Graph, logits: string): NodeProto[] | null {
  const producers = new Map(
    graph.proto.node.flatMap((node) => node.output.map((output) => [output, node] as const)),
  );
  const isConstant = constantTest(graph, producers);
  const chain: NodeProto[] = [];
  let name = logits;
  for (;;) {
    const node = producers.get(name);
    if (node && (isBlockProduct(node) || isIntegerProduct(node))) {
      const [, ...weights] = node.input.filter((input) => input !== '');
      return weights.every((input) => isConstant(input, 3)) ? [node, ...chain] : null;
    }
    if (node?.domain !== '') return null;
    chain.unshift(node);
    if (node.opType === 'MatMul') return isConstant(node.input[1], 2) ? chain : null;
    if (!POSITIONWISE.has(node.opType)) return null;
    const moving = node.input.filter((input) => !isConstant(input, 1));
    if (moving.length !== 1) return null;
    name = moving[0];
  }
}

/** Tests whether a tensor is a weight of at most `rank` axes; with more axes it could vary by position. */
function constantTest(graph: Graph, producers: ReadonlyMap<string, NodeProto>) {
  const ranks = new Map(graph.proto.initializer.map((tensor) => [tensor.name, tensor.dims.length]));
  const fed = new Set(graph.proto.input.map((input) => input.name));
  const isOf = (name: string, rank: number, steps = MOST_STEPS): boolean => {
    if (fed.has(name)) return false;
    const own = ranks.get(name);
    if (own !== undefined) return own <= rank;
    const node = producers.get(name);
    if (node?.opType === 'Constant') {
      const tensor = node.attribute.find((attribute) => attribute.name === 'value')?.t;
      return tensor
        ? tensor.dims.length <= rank
        : node.attribute.some((attribute) => /^value_(float|int)$/.test(attribute.name));
    }
    if (node?.domain !== '' || !OF_WEIGHTS.has(node.opType) || steps === 0) return false;
    return node.input.every((input) => isOf(input, rank, steps - 1));
  };
  return isOf;
}

/**
 * Runs a computation on rows, one block of rows at a time, so that its intermediate values never exist for all rows at once.
 * For logits, 200 KB per row at 50,257 entries, they then stay in the cache.
 * @param perRow values [n, …], n ≥ 1 the same for all
 * @param size rows per block; the last block is filled up by repeating the last row
 * @param build makes numbers per row, each [size], of `size` rows of each; it may read other values of the graph, too
 * @returns [n], one for each that `build` makes
 */
export function inRowBlocks(
  name: string,
  perRow: readonly Value[],
  size: number,
  build: (...rows: Value[]) => Value[],
): Value[] {
  const { graph } = perRow[0];
  const count = Gather(Shape(perRow[0]), 0);
  const blocks = Div(Add(count, size - 1), size);
  const inBlock = graph.constant(
    Array.from({ length: size }, (_, i) => i),
    'int64',
  );
  const first = Unsqueeze(Mul(Range(0, blocks, 1), size), [-1]);
  const rows = Min(Add(first, inBlock), Sub(count, 1)); // [blocks, size]
  const blocked = perRow.map((value) => Gather(value, rows));
  const ends = Unsqueeze(count, [0]);
  return Scan(name, blocked, build).map((stacked) =>
    Slice(Reshape(stacked, [-1]), { starts: [0], ends, axes: [0] }),
  );
}
