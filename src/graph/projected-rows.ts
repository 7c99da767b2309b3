/**
 * Logits at some positions only, without computing the others.
 *
 * The last thing a language model does is the same at every position: a product with the vocabulary matrix, perhaps a bias,
 * a scale or a cast. When the graph ends so, the wanted rows are taken before that product and it is repeated for them
 * alone; the original nodes, no longer needed by any output, are for prune.ts to take out. Where the graph ends in another
 * way, the rows are taken from the logits.
 */
import type { Graph, Value } from './graph.js';
import type { NodeProto } from './onnx.js';
import { GatherND } from './operators.js';

const POSITIONWISE = new Set(['Add', 'Sub', 'Mul', 'Div', 'Cast', 'Identity']);

/**
 * @param logits name of a tensor [batch, length, vocab]   @param rows int64 [n, 2]: pairs (sequence, position)
 * @returns [n, vocab]
 */
export function projectedRows(graph: Graph, logits: string, rows: Value): Value {
  const value = graph.value(logits);
  const chain = projectionChain(graph, logits);
  if (!chain) return GatherND(value, rows);
  const [product, ...after] = chain;
  let name = product.input[0];
  let current = GatherND({ graph, name, dtype: value.dtype }, rows);
  for (const node of [product, ...after]) {
    current = graph.copyNode(node, new Map([[name, current]]), value.dtype);
    name = node.output[0];
  }
  return current;
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
    if (node?.domain !== '') return null;
    chain.unshift(node);
    if (node.opType === 'MatMul') return isConstant(node.input[1], 2) ? chain : null;
    if (!POSITIONWISE.has(node.opType)) return null;
    const moving = node.input.filter((input) => !isConstant(input, 1));
    if (moving.length !== 1) return null;
    name = moving[0];
  }
}

/** Whether a tensor is a weight of at most `rank` axes; of more it could differ from position to position. */
function constantTest(graph: Graph, producers: ReadonlyMap<string, NodeProto>) {
  const ranks = new Map(graph.proto.initializer.map((tensor) => [tensor.name, tensor.dims.length]));
  const fed = new Set(graph.proto.input.map((input) => input.name));
  return (name: string, rank: number): boolean => {
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
    if (node?.opType === 'Transpose') return (ranks.get(node.input[0]) ?? Number.POSITIVE_INFINITY) <= rank;
    return false;
  };
}
