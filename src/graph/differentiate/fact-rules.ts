/** Rules for the type and shape of the outputs of each operator, from those of its inputs. */
import { type DType, dtypeName } from '../dtype.js';
import type { NodeReader } from './node-reader.js';
import { type Axes, type Axis, broadcastShape, type Fact } from './shaped.js';

type FactRule = (node: NodeReader, inputs: readonly Fact[]) => Fact[];

let unnamed = 0;
/** An axis of unknown length, not known to equal any other. */
const unknownAxis = (): Axis => `?${unnamed++}`;

const same: FactRule = (_node, [x]) => [{ dtype: x.dtype, shape: x.shape, ints: x.ints }];
const like: FactRule = (_node, [x]) => [{ dtype: x.dtype, shape: x.shape }];
const broadcast =
  (dtype?: DType): FactRule =>
  (_node, inputs) => [
    {
      dtype: dtype ?? inputs[inputs.length - 1].dtype,
      shape: broadcastShape(...inputs.map(({ shape }) => shape)),
    },
  ];

/** Elementwise operations; integer constants are computed at once. */
const arithmetic =
  (compute: (a: number, b: number) => number): FactRule =>
  (node, [a, b]) => {
    const [fact] = broadcast()(node, [a, b]);
    const { ints: left } = a;
    const { ints: right } = b;
    if (!left || !right) return [fact];
    const length = Math.max(left.length, right.length);
    const at = (some: readonly Axis[], i: number) => some[some.length === 1 ? 0 : i];
    const ints = Array.from({ length }, (_, i) => {
      const [p, q] = [at(left, i), at(right, i)];
      return typeof p === 'number' && typeof q === 'number' ? compute(p, q) : unknownAxis();
    });
    return [{ ...fact, ints }];
  };

const from = (rank: number) => (axis: number) => (axis < 0 ? axis + rank : axis);

/** Axes from an attribute or from the second input, depending on the operator set. */
const axesOf = (node: NodeReader, [x, axes]: readonly Fact[]): number[] | null => {
  const given = node.ints('axes') ?? (axes?.ints as number[] | undefined);
  return given ? given.map(from(x.shape.length)) : null;
};

const reduction: FactRule = (node, inputs) => {
  const [x] = inputs;
  const axes = axesOf(node, inputs) ?? x.shape.map((_, i) => i);
  const keep = node.int('keepdims', 1) === 1;
  const shape = x.shape.flatMap((axis, i) => (axes.includes(i) ? (keep ? [1] : []) : [axis]));
  return [{ dtype: x.dtype, shape }];
};

/** A vector counts as a matrix of one row or one column; the result drops that axis. */
const product: FactRule = (_node, [a, b]) => {
  const batch = broadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const rows = a.shape.length > 1 ? [a.shape[a.shape.length - 2]] : [];
  const columns = b.shape.length > 1 ? [b.shape[b.shape.length - 1]] : [];
  return [{ dtype: a.dtype, shape: [...batch, ...rows, ...columns] }];
};

const gemm: FactRule = (node, [a, b]) => {
  const rows = a.shape[node.int('transA', 0)];
  const columns = b.shape[1 - node.int('transB', 0)];
  return [{ dtype: a.dtype, shape: [rows, columns] }];
};

const reshaped: FactRule = (_node, [x, wanted]) => {
  if (!wanted.ints)
    return [{ dtype: x.dtype, shape: Array.from({ length: Number(wanted.shape[0]) }, unknownAxis) }];
  const shape = wanted.ints.map((size, i) => (size === 0 ? x.shape[i] : size));
  const open = shape.indexOf(-1);
  if (open >= 0) shape[open] = quotient(x.shape, shape.toSpliced(open, 1));
  return [{ dtype: x.dtype, shape, ints: x.ints }];
};

/** The size of the one open axis. A named axis keeps its name; products of names are unknown. */
function quotient(all: Axes, taken: Axes): Axis {
  const left = [...all];
  for (const axis of taken)
    if (typeof axis === 'string' && left.includes(axis)) left.splice(left.indexOf(axis), 1);
  const names = left.filter((axis) => typeof axis === 'string');
  const size = (axes: Axes) =>
    axes.reduce<number>((total, axis) => total * (typeof axis === 'number' ? axis : 1), 1);
  const rest = size(left) / size(taken);
  if (names.length === 0) return rest;
  return names.length === 1 && rest === 1 ? names[0] : unknownAxis();
}

const expanded: FactRule = (_node, [x, wanted]) => {
  const open = () => Array.from({ length: Number(wanted.shape[0]) }, unknownAxis);
  return [{ dtype: x.dtype, shape: broadcastShape(x.shape, wanted.ints ?? open()) }];
};

const concatenated: FactRule = (node, inputs) => {
  const axis = from(inputs[0].shape.length)(node.int('axis', 0));
  const sizes = inputs.map(({ shape }) => shape[axis]);
  const total = sizes.every((size) => typeof size === 'number')
    ? sizes.reduce((sum, size) => sum + size, 0)
    : unknownAxis();
  const shape = inputs[0].shape.with(axis, total);
  const ints = inputs.every((input) => input.ints) ? inputs.flatMap((input) => input.ints ?? []) : undefined;
  return [{ dtype: inputs[0].dtype, shape, ints }];
};

const cut: FactRule = (node, [x, sizes]) => {
  const axis = from(x.shape.length)(node.int('axis', 0));
  return node.proto.output.map((_, i) => {
    const size = sizes?.ints?.[i] ?? Number(x.shape[axis]) / node.proto.output.length;
    return { dtype: x.dtype, shape: x.shape.with(axis, size) };
  });
};

const sliced: FactRule = (_node, [x, starts, ends, axes, steps]) => {
  const shape = [...x.shape];
  const along = (axes?.ints ?? starts.ints?.map((_, i) => i) ?? []) as number[];
  if (along.length === 0) return [{ dtype: x.dtype, shape: shape.map(unknownAxis) }];
  for (const [i, axis] of along.map(from(shape.length)).entries()) {
    const [size, start, end] = [shape[axis], starts.ints?.[i], ends.ints?.[i]];
    const known = [size, start, end].every((value) => typeof value === 'number');
    const whole = !known || (steps?.ints ?? []).some((step) => step !== 1);
    shape[axis] = whole
      ? unknownAxis()
      : (([from, to]) => to - from)(range(Number(start), Number(end), Number(size)));
  }
  const ints =
    x.ints && shape.length === 1 && typeof shape[0] === 'number' && typeof x.shape[0] === 'number'
      ? x.ints.slice(...range(Number(starts.ints?.[0]), Number(ends.ints?.[0]), x.shape[0]))
      : undefined;
  return [{ dtype: x.dtype, shape, ints }];
};

/** The first and end index of a slice, after ONNX's rules for negative or too large numbers. */
export function range(start: number, end: number, size: number): [number, number] {
  const clamp = (index: number) => Math.min(Math.max(index < 0 ? index + size : index, 0), size);
  return [clamp(start), Math.max(clamp(start), clamp(end))];
}

const unsqueezed: FactRule = (node, inputs) => {
  const [x, given] = inputs;
  const axes = (node.ints('axes') ?? (given.ints as number[])).map(
    from(x.shape.length + (given?.ints ?? []).length),
  );
  const shape = [...x.shape];
  for (const axis of axes.toSorted((a, b) => a - b)) shape.splice(axis, 0, 1);
  return [{ dtype: x.dtype, shape, ints: x.ints }];
};

const squeezed: FactRule = (node, inputs) => {
  const [x] = inputs;
  const axes = axesOf(node, inputs);
  const shape = x.shape.filter((size, i) => (axes ? !axes.includes(i) : size !== 1));
  return [{ dtype: x.dtype, shape, ints: x.ints }];
};

const gathered: FactRule = (node, [x, indices]) => {
  const axis = from(x.shape.length)(node.int('axis', 0));
  const elements = x.ints;
  const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
  const ints =
    elements && indices.ints?.every((index) => typeof index === 'number')
      ? indices.ints.map((index) => elements.at(Number(index)) ?? unknownAxis())
      : undefined;
  return [{ dtype: x.dtype, shape, ints }];
};

const gatheredAlong: FactRule = (_node, [x, indices]) => [{ dtype: x.dtype, shape: indices.shape }];

const gatheredTuples: FactRule = (node, [x, indices]) => {
  const batch = node.int('batch_dims', 0);
  const depth = Number(indices.shape.at(-1));
  return [{ dtype: x.dtype, shape: [...indices.shape.slice(0, -1), ...x.shape.slice(batch + depth)] }];
};

const shapeOf: FactRule = (_node, [x]) => [{ dtype: 'int64', shape: [x.shape.length], ints: x.shape }];

const counted: FactRule = (_node, [start, limit, step]) => {
  const [a, b, c] = [start, limit, step].map(({ ints }) => ints?.[0]);
  const known = [a, b, c].every((value) => typeof value === 'number');
  const size = known
    ? Math.max(0, Math.ceil((Number(b) - Number(a)) / Number(c)))
    : a === 0 && c === 1
      ? b
      : null;
  return [{ dtype: limit.dtype, shape: [size ?? unknownAxis()] }];
};

const filledShape: FactRule = (node, [shape]) => {
  const value = node.proto.attribute.find(({ name }) => name === 'value')?.t;
  const dtype = (value && dtypeName(value.dataType)) ?? 'float32';
  return [{ dtype, shape: shape.ints ?? Array.from({ length: Number(shape.shape[0]) }, unknownAxis) }];
};

const chosen: FactRule = (node, inputs) => {
  const [fact] = broadcast()(node, inputs);
  return [fact];
};

const converted: FactRule = (node, [x]) => [
  { dtype: dtypeName(node.int('to', 1)) ?? 'float32', shape: x.shape, ints: x.ints },
];

const transposed: FactRule = (node, [x]) => {
  const perm = node.ints('perm') ?? x.shape.map((_, i) => x.shape.length - 1 - i);
  return [{ dtype: x.dtype, shape: perm.map((axis) => x.shape[axis]) }];
};

const flattened: FactRule = (node, [x]) => {
  const axis = from(x.shape.length)(node.int('axis', 1));
  return [
    { dtype: x.dtype, shape: [quotient(x.shape.slice(0, axis), []), quotient(x.shape.slice(axis), [])] },
  ];
};

const largestIndex: FactRule = (node, [x]) => {
  const axis = from(x.shape.length)(node.int('axis', 0));
  const keep = node.int('keepdims', 1) === 1;
  return [{ dtype: 'int64', shape: keep ? x.shape.with(axis, 1) : x.shape.toSpliced(axis, 1) }];
};

/** LayerNormalization: also mean and 1/standard deviation, of axes of size 1. */
const normalised: FactRule = (node, [x]) => {
  const axis = from(x.shape.length)(node.int('axis', -1));
  const moments = { dtype: x.dtype, shape: x.shape.map((size, i) => (i < axis ? size : 1)) };
  return [{ dtype: x.dtype, shape: x.shape }, moments, moments];
};

const each = (rule: FactRule, ...operators: string[]): [string, FactRule][] =>
  operators.map((operator) => [operator, rule]);

export const factRules: Readonly<Record<string, FactRule | undefined>> = Object.fromEntries([
  ...each(like, 'Neg', 'Exp', 'Log', 'Sqrt', 'Abs', 'Sign', 'Sin', 'Cos', 'Tanh', 'Sigmoid', 'Reciprocal'),
  ...each(like, 'Softplus', 'Erf', 'Not', 'Softmax', 'LogSoftmax', 'CumSum', 'ScatterElements', 'ScatterND'),
  ...each(like, 'com.microsoft.FastGelu', 'com.microsoft.MultiHeadAttention', 'RotaryEmbedding'),
  ...each(like, 'RMSNormalization', 'Gelu'),
  ...each(same, 'Identity'),
  ...each(
    arithmetic((a, b) => a + b),
    'Add',
  ),
  ...each(
    arithmetic((a, b) => a - b),
    'Sub',
  ),
  ...each(
    arithmetic((a, b) => a * b),
    'Mul',
  ),
  ...each(
    arithmetic((a, b) => Math.trunc(a / b)),
    'Div',
  ),
  ...each(arithmetic(Math.max), 'Max'),
  ...each(arithmetic(Math.min), 'Min'),
  ...each(broadcast(), 'Pow'),
  ...each(broadcast('bool'), 'Equal', 'Less', 'Greater', 'LessOrEqual', 'GreaterOrEqual', 'And', 'Or'),
  ...each(reduction, 'ReduceSum', 'ReduceMean', 'ReduceMax', 'ReduceMin', 'ReduceProd', 'ReduceSumSquare'),
  ...each(reduction, 'ReduceLogSum', 'ReduceLogSumExp'),
  ...each(product, 'MatMul'),
  ...each(gemm, 'Gemm'),
  ...each(reshaped, 'Reshape'),
  ...each(expanded, 'Expand'),
  ...each(concatenated, 'Concat'),
  ...each(cut, 'Split'),
  ...each(sliced, 'Slice'),
  ...each(unsqueezed, 'Unsqueeze'),
  ...each(squeezed, 'Squeeze'),
  ...each(gathered, 'Gather'),
  ...each(gatheredAlong, 'GatherElements'),
  ...each(gatheredTuples, 'GatherND'),
  ...each(shapeOf, 'Shape'),
  ...each(counted, 'Range'),
  ...each(filledShape, 'ConstantOfShape'),
  ...each(chosen, 'Where'),
  ...each(converted, 'Cast'),
  ...each(transposed, 'Transpose'),
  ...each(flattened, 'Flatten'),
  ...each(largestIndex, 'ArgMax'),
  ...each(normalised, 'LayerNormalization'),
]);
