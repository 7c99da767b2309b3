/**
 * Rewrites a network's graph so that its matrices are read as the file stores them. The network itself is built with float32
 * weights; which form a matrix takes follows from how the graph uses it:
 *
 *     float16   widened once, when the runtime loads it; rows of an embedding after they are gathered
 *     int8      one scale per output of a product and per row of an embedding. Products are of whole numbers
 *               (integer-product.ts); with activations in float32, matrices are widened at each call, which costs less than the
 *               product and keeps memory small. Rows are widened after they are gathered
 *     int4      products with blocks of 4 bits (four-bits.ts), widened inside the product. A matrix that is embedding and
 *               head at once is one copy: rows are gathered from the same codes. Rows that are only gathered are int8, and
 *               what has neither use is float16
 *
 * Everything but products computes in float32. Vectors (biases, norms) stay float32, because they are small.
 */
import { type DType, dtypeCode } from '../../graph/dtype.js';
import { type BlockMatrix, GatherBlockQuantized, MatMulNBits } from '../../graph/fused-operators.js';
import type { Graph, Value } from '../../graph/graph.js';
import { BlockProduct, IntegerProduct } from '../../graph/integer-product.js';
import type { GraphProto, NodeProto, TensorProto } from '../../graph/onnx.js';
import { Cast, DequantizeLinear, Gather, Mul, Reshape, Transpose, Unsqueeze } from '../../graph/operators.js';
import type { Parameter } from '../architectures/parameters.js';
import { type BlockLayout, blocksOf } from './four-bits.js';
import type { Rounding, StorageType } from './storage-names.js';

/** How a file stores one parameter. */
export type StoredForm =
  | { form: 'float32' | 'float16' | 'int8' }
  | { form: 'int4'; layout: BlockLayout; byInput: boolean };

/** The factor of int8 and int4 values: `<name>.scale`. */
export const SCALE = '.scale';
/** The zero points of int4 values. */
export const ZERO = '.zero';

const DEFAULT_BLOCK = 32;

/** @returns the form of every parameter   @param graph changed in place: weights declared as float32, without data */
export function storeMatrices(
  graph: Graph,
  parameters: readonly Parameter[],
  type: StorageType,
  rounding: Rounding = {},
): Map<string, StoredForm> {
  const uses = usesOf(graph.proto);
  const forms = new Map<string, StoredForm>(
    parameters.map((parameter) => [
      parameter.name,
      formOf(parameter, uses.get(parameter.name) ?? NO_USES, type, rounding),
    ]),
  );
  const byName = new Map(parameters.map((parameter) => [parameter.name, parameter]));
  const rewriting = new Rewriting(graph, rounding.activations ?? 'int8');
  const before = graph.proto.initializer;
  graph.proto.initializer = [];
  for (const tensor of before) {
    graph.proto.initializer.push(tensor);
    const [parameter, stored] = [byName.get(tensor.name), forms.get(tensor.name)];
    if (parameter && stored) rewriting.declare(tensor, parameter, stored, uses.get(tensor.name) ?? NO_USES);
  }
  rewriting.run();
  return forms;
}

/** How a graph reads a weight. */
interface Uses {
  /** As the table of a Gather. */
  gathered: boolean;
  /** As the second factor of a product, [in, out]. */
  multiplied: boolean;
  /** Transposed, then as the second factor of products alone. */
  turned: boolean;
  otherwise: boolean;
  /** By a body of control flow, or as an output: it stays float32. */
  elsewhere: boolean;
}
const NO_USES: Uses = {
  gathered: false,
  multiplied: false,
  turned: false,
  otherwise: false,
  elsewhere: false,
};

/** How a graph uses each name that it reads. */
export function usesOf(proto: GraphProto): Map<string, Uses> {
  const uses = new Map<string, Uses>();
  const note = (name: string, use: keyof Uses) =>
    uses.set(name, { ...NO_USES, ...uses.get(name), [use]: true });
  const readers = new Map<string, [NodeProto, number][]>();
  for (const node of proto.node) {
    for (const [i, name] of node.input.entries())
      readers.set(name, [...(readers.get(name) ?? []), [node, i]]);
    for (const name of namesInBodies(node)) note(name, 'elsewhere');
  }
  for (const { name } of proto.output) note(name, 'elsewhere');
  for (const [name, all] of readers) {
    for (const [node, i] of all) {
      if (isGather(node) && i === 0) note(name, 'gathered');
      else if (isProduct(node) && i === 1) note(name, 'multiplied');
      else if (isTurn(node)) {
        const [turned] = node.output;
        const further = readers.get(turned) ?? [];
        const products = further.every(([reader, at]) => isProduct(reader) && at === 1);
        note(name, products && !uses.get(turned)?.elsewhere ? 'turned' : 'otherwise');
      } else note(name, 'otherwise');
    }
  }
  return uses;
}

const isPlain = (node: NodeProto, operator: string): boolean =>
  node.domain === '' && node.opType === operator;
const isProduct = (node: NodeProto): boolean => isPlain(node, 'MatMul');
const isGather = (node: NodeProto): boolean =>
  isPlain(node, 'Gather') && node.attribute.every(({ name, i }) => name !== 'axis' || i === 0n);
const isTurn = (node: NodeProto): boolean =>
  isPlain(node, 'Transpose') &&
  node.attribute.some(({ name, ints }) => name === 'perm' && ints.join() === '1,0');

/** Names that a node's bodies of control flow read. */
export function namesInBodies(node: NodeProto): string[] {
  const bodies = node.attribute.flatMap(({ g, graphs }) => (g ? [g, ...graphs] : graphs));
  return bodies.flatMap((body) => [
    ...body.node.flatMap((inner) => [...inner.input, ...namesInBodies(inner)]),
    ...body.output.map(({ name }) => name),
  ]);
}

function formOf(
  { dims, perRow, exact }: Parameter,
  uses: Uses,
  type: StorageType,
  rounding: Rounding,
): StoredForm {
  if (dims.length !== 2 || type === 'float32' || uses.elsewhere || exact) return { form: 'float32' };
  if (type !== 'int4') return { form: type };
  const { gathered, multiplied, turned, otherwise } = uses;
  const { block = DEFAULT_BLOCK, symmetric = false } = rounding;
  const [outputs, inputs] = multiplied ? [dims[1], dims[0]] : dims;
  const layout = { outputs, inputs, block, symmetric };
  if (!otherwise && inputs >= block) {
    if (multiplied && !gathered && !turned) return { form: 'int4', layout, byInput: true };
    // Gathered rows need blocks that fill them.
    if (turned && !multiplied && inputs % block === 0) return { form: 'int4', layout, byInput: false };
  }
  return { form: gathered && perRow && !multiplied && !turned && !otherwise ? 'int8' : 'float16' };
}

/** A stored weight, as the nodes that read it find it. */
interface StoredValue {
  /** All of it as float32; made where something needs it. */
  whole: (() => Value) | null;
  /** Rows as float32. */
  rows: ((ids: Value) => Value) | null;
  /** A product with it. Null: with all of it as float32. */
  product: ((x: Value) => Value) | null;
  /** A product with its transpose. */
  turnedProduct: ((x: Value) => Value) | null;
}

class Rewriting {
  private readonly stored = new Map<string, StoredValue>();
  /** Products by the name of a transposed weight. */
  private readonly turned = new Map<string, (x: Value) => Value>();

  constructor(
    private readonly graph: Graph,
    private readonly activations: NonNullable<Rounding['activations']>,
  ) {}

  /** Gives the declared tensor its stored type, and declares what belongs to it after it. */
  declare(tensor: TensorProto, parameter: Parameter, stored: StoredForm, uses: Uses): void {
    if (stored.form === 'float32') return;
    const { name, dims, perRow } = parameter;
    const as = (dtype: DType): Value => {
      tensor.dataType = dtypeCode(dtype);
      return { graph: this.graph, name, dtype };
    };
    const once = (make: () => Value) => {
      let made: Value | null = null;
      return () => {
        made ??= make();
        return made;
      };
    };
    if (stored.form === 'float16') {
      const kept = as('float16');
      const whole = once(() => Cast(kept, { to: 'float32' }));
      const rows = (ids: Value) => Cast(Gather(kept, ids), { to: 'float32' });
      this.stored.set(name, { whole, rows, product: null, turnedProduct: null });
    } else if (stored.form === 'int8') {
      const kept = as('int8');
      const axis = perRow ? 0 : 1;
      const scale = this.graph.weight(name + SCALE, 'float32', [dims[axis]]);
      const isRounded = this.activations === 'int8';
      // Beside products of whole numbers, the runtime refuses DequantizeLinear with a scale per output (session-options.ts).
      const whole = once(() =>
        isRounded
          ? Mul(Cast(kept, { to: 'float32' }), perRow ? Unsqueeze(scale, [-1]) : scale)
          : DequantizeLinear(kept, scale, { axis }),
      );
      const rows = (ids: Value) =>
        Mul(Cast(Gather(kept, ids), { to: 'float32' }), Unsqueeze(Gather(scale, ids), [-1]));
      const transposed = once(() => Transpose(kept, { perm: [1, 0] }));
      // The scales must be of the product's outputs.
      this.stored.set(name, {
        whole,
        rows: perRow ? rows : null,
        product: isRounded && !perRow ? (x) => IntegerProduct(x, kept, scale) : null,
        turnedProduct:
          isRounded && perRow && !uses.otherwise ? (x) => IntegerProduct(x, transposed(), scale) : null,
      });
    } else if (stored.form === 'int4') {
      const { layout } = stored;
      const count = blocksOf(layout);
      const codes = as('uint8');
      tensor.dims = [layout.outputs, count, layout.block / 2].map(BigInt);
      const scales = this.graph.weight(name + SCALE, 'float32', [layout.outputs, count]);
      const zeros = layout.symmetric
        ? null
        : this.graph.weight(name + ZERO, 'uint8', [layout.outputs, Math.ceil(count / 2)]);
      const blocks: BlockMatrix = { ...layout, codes, scales, zeros };
      const product = (x: Value) =>
        this.activations === 'int8' ? BlockProduct(x, blocks) : MatMulNBits(x, blocks);
      const flat = once(() => Reshape(codes, [layout.outputs, layout.inputs / 2]));
      const rows = (ids: Value) => GatherBlockQuantized(flat(), ids, blocks);
      this.stored.set(name, { whole: null, rows, product, turnedProduct: product });
    }
  }

  /** Replaces the nodes that read stored weights, each at its place. */
  run(): void {
    const { proto } = this.graph;
    const nodes = proto.node;
    proto.node = [];
    for (const node of nodes) if (!this.replace(node)) proto.node.push(node);
  }

  /** False: the node stays, perhaps with other inputs. */
  private replace(node: NodeProto): boolean {
    const matrix = this.stored.get(node.input[0]);
    if (matrix?.rows && isGather(node)) {
      return this.instead(node, matrix.rows({ graph: this.graph, name: node.input[1], dtype: 'int64' }));
    }
    if (matrix?.turnedProduct && isTurn(node)) {
      this.turned.set(node.output[0], matrix.turnedProduct);
      return true;
    }
    if (isProduct(node)) {
      const product = this.stored.get(node.input[1])?.product ?? this.turned.get(node.input[1]);
      if (product)
        return this.instead(node, product({ graph: this.graph, name: node.input[0], dtype: 'float32' }));
    }
    node.input = node.input.map((name) => this.stored.get(name)?.whole?.().name ?? name);
    return false;
  }

  /** The last node made takes the place of another. */
  private instead(node: NodeProto, { name }: Value): true {
    const made = this.graph.proto.node.at(-1);
    if (made?.output[0] !== name) throw new RangeError(`"${name}" is not what was made last`);
    made.output = [node.output[0]];
    made.name = node.name;
    return true;
  }
}
