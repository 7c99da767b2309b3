/**
 * How a graph's weights are stored, read off the operators that read them: for `inspect`, and for the least memory that
 * they take when they are loaded. Knows what `convert` writes and what exporters do: float16, int8 with scales, blocks of few
 * bits, and products of integers.
 */
import { byteLength, type DType, dtypeName } from '../graph/dtype.js';
import type { Graph } from '../graph/graph.js';
import {
  blockProductSizes,
  isBlockProduct,
  isIntegerProduct,
  roundsInputs,
} from '../graph/integer-product.js';
import type { GraphProto, NodeProto, TensorProto } from '../graph/onnx.js';

export interface StoredWeights {
  /** For example `float16`, or `int4 in blocks of 32 with zero points`. */
  as: string;
  /** Weights; what scales them is not counted. */
  parameters: number;
  /** Bytes in the file, with what scales them. */
  bytes: number;
}

/** Element types of weights; others are shapes, indices, switches and text. */
const WEIGHT_TYPES: readonly DType[] = [
  'float32',
  'float16',
  'bfloat16',
  'float64',
  'int8',
  'uint8',
  'int4',
  'uint4',
];
const INTEGER_PRODUCTS = new Set([
  'MatMulInteger',
  'QLinearMatMul',
  'MatMulIntegerToFloat',
  'DynamicQuantizeMatMul',
]);

/**
 * Whether products round what flows through them to 8 bits, by its range over the whole call: each answer then depends a little on
 * what shares the call.
 */
export function roundsByCall({ proto }: Graph): boolean {
  for (const { opType } of nodesOf(proto)) if (/^DynamicQuantize/.test(opType)) return true;
  return false;
}

/** How many weights a model has. */
export function parametersOf({ graph }: { graph(): Graph }): number {
  return storedWeights(graph()).reduce((sum, { parameters }) => sum + parameters, 0);
}

/** The forms of a graph's weights, the largest part first. A weight that two nodes read counts once. */
export function storedWeights(graph: Graph): StoredWeights[] {
  const tensors = tensorsByName(graph.proto);
  const counted = new Set<string>();
  const forms = new Map<string, StoredWeights>();
  const add = (as: string, parameters: number, names: readonly string[]) => {
    const entry = forms.get(as) ?? { as, parameters: 0, bytes: 0 };
    forms.set(as, entry);
    entry.parameters += parameters;
    for (const name of names) {
      const tensor = tensors.get(name);
      if (!tensor || counted.has(name)) continue;
      counted.add(name);
      entry.bytes += bytesOf(tensor);
    }
  };
  for (const node of nodesOf(graph.proto)) {
    const [first, second] = node.input;
    if (isBlockProduct(node) && tensors.has(second) && !counted.has(second)) {
      const [inputs, outputs] = blockProductSizes(node);
      add(blocksOf(node, node.input[3]), inputs * outputs, node.input.slice(1, 4));
    } else if (node.opType === 'GatherBlockQuantized' && tensors.has(first) && !counted.has(first)) {
      const perByte = dtypeOf(tensors.get(first)) === 'uint8' ? 8 / (whole(node, 'bits') ?? 4) : 1;
      add(blocksOf(node, node.input[3]), perByte * countOf(tensors.get(first)), [
        first,
        ...node.input.slice(2),
      ]);
    } else if (node.opType === 'DequantizeLinear' && countOf(tensors.get(first)) > 1 && !counted.has(first)) {
      add(`${dtypeOf(tensors.get(first))} with scales`, countOf(tensors.get(first)), node.input);
    } else if (isIntegerProduct(node) || INTEGER_PRODUCTS.has(node.opType)) {
      const weights = node.input.filter((name) => countOf(tensors.get(name)) > 1 && !counted.has(name));
      for (const name of weights)
        add(`${dtypeOf(tensors.get(name))}, activations too`, countOf(tensors.get(name)), [name]);
    }
  }
  for (const [name, tensor] of tensors) {
    const dtype = dtypeOf(tensor);
    if (counted.has(name) || dtype === null || !WEIGHT_TYPES.includes(dtype)) continue;
    add(dtype === 'int8' ? 'int8 with scales' : dtype, countOf(tensor), [name]);
  }
  return [...forms.values()].sort((a, b) => b.parameters - a.parameters);
}

/** What a graph's weights take in memory. */
export interface WeightMemory {
  bytes: number;
  /** Weights of float16 are widened at each call, one after the other, and not when they are loaded. */
  widensAtEachCall: boolean;
}

/** Of the memory of a process, what weights may take before they are widened at each call; the rest is for the calls. */
const SHARE = 0.75;

/**
 * The least bytes that the weights take once the runtime has loaded them. float16 that is widened when it is loaded takes 4
 * bytes each; where that is too much for `memory`, it is widened at each call, as int8 always is: then one matrix at a time is
 * there as float32.
 */
export function weightMemory(graph: Graph, memory: number): WeightMemory {
  const tensors = tensorsByName(graph.proto);
  const halves = new Set<string>();
  let largestHalf = 0;
  let largest = 0;
  for (const { opType, input } of nodesOf(graph.proto)) {
    const tensor = tensors.get(input[0]);
    if (opType === 'DequantizeLinear') largest = Math.max(largest, 4 * countOf(tensor));
    if (opType !== 'Cast' || dtypeOf(tensor) !== 'float16') continue;
    halves.add(input[0]);
    largestHalf = Math.max(largestHalf, 4 * countOf(tensor));
  }
  let widened = largest;
  let stored = Math.max(largest, largestHalf);
  for (const [name, tensor] of tensors) {
    widened += halves.has(name) ? 4 * countOf(tensor) : bytesOf(tensor);
    stored += bytesOf(tensor);
  }
  const widensAtEachCall = widened > SHARE * memory && stored < widened;
  return { bytes: widensAtEachCall ? stored : widened, widensAtEachCall };
}

function blocksOf(node: NodeProto, zeros: string | undefined): string {
  const bits = whole(node, 'bits') ?? 4;
  const blocks = `int${bits} in blocks of ${whole(node, 'block_size') ?? '?'}${zeros ? ' with zero points' : ''}`;
  return roundsInputs(node) ? `${blocks}, activations as int8` : blocks;
}

const whole = (node: NodeProto, of: string): number | null => {
  const found = node.attribute.find(({ name }) => name === of);
  return found ? Number(found.i) : null;
};

/** Initializers of the graph and of the bodies in it. */
function tensorsByName(proto: GraphProto): Map<string, TensorProto> {
  const all = [proto, ...[...nodesOf(proto)].flatMap(bodiesOf)];
  return new Map(
    all.flatMap(({ initializer }) => initializer.map((tensor) => [tensor.name, tensor] as const)),
  );
}

function* nodesOf(proto: GraphProto): Generator<NodeProto> {
  for (const node of proto.node) {
    yield node;
    for (const body of bodiesOf(node)) yield* nodesOf(body);
  }
}

const bodiesOf = (node: NodeProto): GraphProto[] =>
  node.attribute.flatMap(({ g, graphs }) => (g ? [g, ...graphs] : graphs));

const dtypeOf = (tensor: TensorProto | undefined): DType | null =>
  tensor ? dtypeName(tensor.dataType) : null;

const countOf = (tensor: TensorProto | undefined): number =>
  tensor ? tensor.dims.reduce((product, size) => product * Number(size), 1) : 0;

function bytesOf(tensor: TensorProto): number {
  const dtype = dtypeOf(tensor);
  return (dtype && byteLength(dtype, countOf(tensor))) ?? 0;
}
