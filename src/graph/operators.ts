/**
 * ONNX operators as functions named as the operators (https://onnx.ai/onnx/operators/). Operand order and attributes
 * are ONNX's; where versions of an operator set put an argument in different places (axes as attribute or as input), the
 * function writes what the graph's own version wants.
 */

import { type DType, dtypeCode } from './dtype.js';
import type { Graph, Operand, Value } from './graph.js';
import type { Attribute } from './messages.js';

type Attributes = Readonly<Record<string, Attribute | undefined>>;

function one(
  graph: Graph,
  op: string,
  inputs: (Value | null)[],
  dtype: DType,
  attributes?: Attributes,
): Value {
  return graph.node(op, inputs, { outputs: [dtype], attributes })[0];
}

/** Both operands as values: a number takes the other's type. */
function pair(a: Operand, b: Operand): [Value, Value] {
  if (typeof a !== 'number') return [a, typeof b === 'number' ? a.graph.constant(b, a.dtype) : b];
  if (typeof b !== 'number') return [b.graph.constant(a, b.dtype), b];
  throw new TypeError('an operator needs at least one operand that is a value of a graph');
}

function binary(op: string, a: Operand, b: Operand, dtype?: DType): Value {
  const [left, right] = pair(a, b);
  return one(left.graph, op, [left, right], dtype ?? left.dtype);
}

export const Add = (a: Operand, b: Operand) => binary('Add', a, b);
export const Sub = (a: Operand, b: Operand) => binary('Sub', a, b);
export const Mul = (a: Operand, b: Operand) => binary('Mul', a, b);
export const Div = (a: Operand, b: Operand) => binary('Div', a, b);
export const Pow = (a: Operand, b: Operand) => binary('Pow', a, b);
export const Max = (a: Operand, b: Operand) => binary('Max', a, b);
export const Min = (a: Operand, b: Operand) => binary('Min', a, b);
export const MatMul = (a: Value, b: Value) => binary('MatMul', a, b);
export const Equal = (a: Operand, b: Operand) => binary('Equal', a, b, 'bool');
export const Less = (a: Operand, b: Operand) => binary('Less', a, b, 'bool');
export const Greater = (a: Operand, b: Operand) => binary('Greater', a, b, 'bool');
export const Or = (a: Value, b: Value) => binary('Or', a, b, 'bool');

const unary = (op: string) => (x: Value) => one(x.graph, op, [x], x.dtype);
export const Neg = unary('Neg');
export const Exp = unary('Exp');
export const Log = unary('Log');
export const Sqrt = unary('Sqrt');
export const Abs = unary('Abs');
export const Sign = unary('Sign');
export const Sin = unary('Sin');
export const Cos = unary('Cos');
export const Tanh = unary('Tanh');
export const Erf = unary('Erf');
export const Sigmoid = unary('Sigmoid');
export const Reciprocal = unary('Reciprocal');
export const Not = unary('Not');
export const Identity = unary('Identity');

export const Softmax = (x: Value, { axis = -1 } = {}) => one(x.graph, 'Softmax', [x], x.dtype, { axis });
export const LogSoftmax = (x: Value, { axis = -1 } = {}) =>
  one(x.graph, 'LogSoftmax', [x], x.dtype, { axis });

export const LpNormalization = (x: Value, { axis = -1, p = 2 } = {}) =>
  one(x.graph, 'LpNormalization', [x], x.dtype, { axis, p });

export const Cast = (x: Value, { to }: { to: DType }) =>
  x.dtype === to ? x : one(x.graph, 'Cast', [x], to, { to: dtypeCode(to) });

/** uint8 [..., inputs] less `zero`, times int8 [inputs, outputs] → int32, exactly. */
export const MatMulInteger = (x: Value, matrix: Value, zero: Value) =>
  one(x.graph, 'MatMulInteger', [x, matrix, zero], 'int32');

/** int8 and its scales along an axis → float32 (operator set 13). */
export const DequantizeLinear = (x: Value, scale: Value, { axis }: { axis: number }) =>
  one(x.graph, 'DequantizeLinear', [x, scale], scale.dtype, { axis });

export function Where(condition: Value, a: Operand, b: Operand): Value {
  if (typeof a === 'number' && typeof b === 'number') {
    return Where(condition, condition.graph.constant(a, 'float32'), b);
  }
  const [left, right] = pair(a, b);
  return one(condition.graph, 'Where', [condition, left, right], left.dtype);
}

// Shapes

export const Shape = (x: Value) => one(x.graph, 'Shape', [x], 'int64');
export const Reshape = (x: Value, shape: Value | readonly number[]) =>
  one(x.graph, 'Reshape', [x, ints(x.graph, shape)], x.dtype);
export const Expand = (x: Value, shape: Value) => one(x.graph, 'Expand', [x, shape], x.dtype);
/** Flattens all axes before `axis` into one, and all from it on into another. */
export const Flatten = (x: Value, { axis = 1 } = {}) => one(x.graph, 'Flatten', [x], x.dtype, { axis });
export const Transpose = (x: Value, { perm }: { perm: readonly number[] }) =>
  one(x.graph, 'Transpose', [x], x.dtype, { perm });
export const Concat = (values: readonly Value[], { axis }: { axis: number }) =>
  one(values[0].graph, 'Concat', [...values], values[0].dtype, { axis });
/** Splits into parts of the given sizes along an axis (operator set 13 and later). */
export const Split = (x: Value, sizes: readonly number[], { axis }: { axis: number }) =>
  x.graph.node('Split', [x, x.graph.constant(sizes, 'int64')], {
    outputs: sizes.map(() => x.dtype),
    attributes: { axis },
  });
export const Unsqueeze = (x: Value, axes: readonly number[]) => axesOperator('Unsqueeze', x, axes, 13, {});
export const Squeeze = (x: Value, axes: readonly number[]) => axesOperator('Squeeze', x, axes, 13, {});
export const ConstantOfShape = (shape: Value) => one(shape.graph, 'ConstantOfShape', [shape], 'float32');

/** Half-open ranges, one per named axis. */
export function Slice(
  x: Value,
  {
    starts,
    ends,
    axes,
  }: { starts: readonly number[] | Value; ends: readonly number[] | Value; axes: readonly number[] },
): Value {
  const g = x.graph;
  return one(g, 'Slice', [x, ints(g, starts), ints(g, ends), ints(g, axes)], x.dtype);
}

// Indexing

export const Gather = (x: Value, indices: Value | number, { axis = 0 } = {}) =>
  one(
    x.graph,
    'Gather',
    [x, typeof indices === 'number' ? x.graph.constant(indices, 'int64') : indices],
    x.dtype,
    { axis },
  );
export const GatherElements = (x: Value, indices: Value, { axis = -1 } = {}) =>
  one(x.graph, 'GatherElements', [x, indices], x.dtype, { axis });
export const GatherND = (x: Value, indices: Value, { batch_dims = 0 } = {}) =>
  one(x.graph, 'GatherND', [x, indices], x.dtype, batch_dims ? { batch_dims } : {});
export const ScatterElements = (x: Value, indices: Value, updates: Value, { axis = -1 } = {}) =>
  one(x.graph, 'ScatterElements', [x, indices, updates], x.dtype, { axis });
export const Range = (start: Operand, limit: Value, delta: Operand) => {
  const [from] = pair(start, limit);
  const [step] = pair(delta, limit);
  return one(limit.graph, 'Range', [from, limit, step], limit.dtype);
};
export const OneHot = (indices: Value, depth: Value, values: Value) =>
  one(indices.graph, 'OneHot', [indices, depth, values], values.dtype);

// Reductions

interface Reduction {
  axes: readonly number[];
  keepdims?: boolean;
}
const reduction =
  (op: string, axesInputSince: number) =>
  (x: Value, { axes, keepdims = true }: Reduction) =>
    axesOperator(op, x, axes, axesInputSince, { keepdims: keepdims ? 1 : 0 });
export const ReduceSum = reduction('ReduceSum', 13);
export const ReduceMax = reduction('ReduceMax', 18);
export const ReduceMin = reduction('ReduceMin', 18);
export const ReduceMean = reduction('ReduceMean', 18);
export const ReduceProd = reduction('ReduceProd', 18);
export const ReduceLogSum = reduction('ReduceLogSum', 18);
export const ReduceLogSumExp = reduction('ReduceLogSumExp', 18);
export const ArgMax = (x: Value, { axis = -1, keepdims = true } = {}) =>
  one(x.graph, 'ArgMax', [x], 'int64', { axis, keepdims: keepdims ? 1 : 0 });
/** @param exclusive each sum excludes its own entry */
export const CumSum = (x: Value, axis: number, { exclusive = false } = {}) =>
  one(x.graph, 'CumSum', [x, x.graph.constant(axis, 'int64')], x.dtype, exclusive ? { exclusive: 1 } : {});
/** The k largest entries along the last axis in descending order, and their indices. */
export const TopK = (x: Value, k: number) =>
  x.graph.node('TopK', [x, x.graph.constant([k], 'int64')], { outputs: [x.dtype, 'int64'] });

// Control flow

/**
 * Runs a body once for each slice of `scanned` along axis 0, carrying `state` from step to step.
 * @param build takes the state, then the slices; returns the new state, then the outputs of one step
 * @param reverse which of `scanned` are read from their end; all of them with `true`
 * @param reverseOutputs whether outputs are stacked from the end, so that they line up with what was read in reverse
 * @returns the last state, then the stacked outputs
 */
export function Scan(
  name: string,
  scanned: readonly Value[],
  build: (...values: Value[]) => Value[],
  { state = [], reverse, reverseOutputs }: ScanOptions = {},
): Value[] {
  const graph = scanned[0].graph;
  const body = graph.body(name);
  const carried = state.map((value, i) => body.input(`${name}/state${i}`, value.dtype, []));
  const slices = scanned.map((value, i) => body.input(`${name}/slice${i}`, value.dtype, []));
  const results = build(...carried, ...slices);
  for (const result of results) body.output(result);
  for (const declared of [...body.proto.input, ...body.proto.output]) dropShape(declared);
  const stacked = results.length - state.length;
  return graph.node('Scan', [...state, ...scanned], {
    outputs: results.map((result) => result.dtype),
    attributes: {
      num_scan_inputs: scanned.length,
      body,
      scan_input_directions: directions(reverse, scanned.length),
      scan_output_directions: directions(reverseOutputs, stacked),
    },
  });
}

export interface ScanOptions {
  state?: readonly Value[];
  reverse?: boolean | readonly boolean[];
  reverseOutputs?: boolean | readonly boolean[];
}

type Branch<Results> = (capture: (value: Value) => Value) => Results;

/**
 * One of two bodies, chosen by a boolean scalar.
 * @param then, otherwise build the one output of a body; they get a function that makes a value of this graph usable there
 */
export function If(condition: Value, then: Branch<Value>, otherwise: Branch<Value>): Value {
  return IfAll(
    condition,
    (capture) => [then(capture)],
    (capture) => [otherwise(capture)],
  )[0];
}

/** The same for bodies with several outputs, equal in number and types. */
export function IfAll(condition: Value, then: Branch<Value[]>, otherwise: Branch<Value[]>): Value[] {
  const { graph } = condition;
  const branch = (name: string, build: Branch<Value[]>) => {
    const body = graph.body(name);
    const results = build((value) => ({ ...value, graph: body }));
    for (const result of results) body.output(result);
    for (const declared of body.proto.output) dropShape(declared);
    return { body, outputs: results.map(({ dtype }) => dtype) };
  };
  const [yes, no] = [branch('then', then), branch('else', otherwise)];
  return graph.node('If', [condition], {
    outputs: yes.outputs,
    attributes: { then_branch: yes.body, else_branch: no.body },
  });
}

function directions(reverse: boolean | readonly boolean[] | undefined, count: number): number[] | undefined {
  if (reverse === undefined || reverse === false) return undefined;
  return Array.from({ length: count }, (_, i) => Number(reverse === true || reverse[i]));
}

function dropShape(info: Graph['proto']['input'][number]): void {
  if (info.type?.value.case === 'tensorType') info.type.value.value.shape = undefined;
}

function axesOperator(
  op: string,
  x: Value,
  axes: readonly number[],
  inputSince: number,
  attributes: Attributes,
): Value {
  return x.graph.opset >= inputSince
    ? one(x.graph, op, [x, x.graph.constant(axes, 'int64')], x.dtype, attributes)
    : one(x.graph, op, [x], x.dtype, { ...attributes, axes });
}

function ints(graph: Graph, values: Value | readonly number[]): Value {
  return 'name' in values ? values : graph.constant(values, 'int64');
}
