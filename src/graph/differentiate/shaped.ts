/**
 * Values of known shape, and arithmetic that tracks it. An axis is a number, or a name if it varies from call to call: axes
 * of the same name have the same size.
 *
 * No function here adds an operation without effect.
 */
import { ModelError } from '../../errors.js';
import type { DType } from '../dtype.js';
import type { Value } from '../graph.js';
import * as ops from '../operators.js';

export type Axis = number | string;
export type Axes = readonly Axis[];

/** What is known about a tensor before the graph runs. */
export interface Fact {
  readonly dtype: DType;
  readonly shape: Axes;
  /** Elements of an integer scalar or vector, if they are known numbers or sizes of axes. */
  readonly ints?: readonly Axis[];
}

export interface Shaped extends Value {
  readonly shape: Axes;
}

export const withShape = (value: Value, shape: Axes): Shaped => ({ ...value, shape });

const sameShape = (a: Axes, b: Axes): boolean => a.length === b.length && a.every((axis, i) => axis === b[i]);

/** Shape of an elementwise operation's result (numpy's rule). Two axes of different names are assumed to be equal. */
export function broadcastShape(...shapes: Axes[]): Axis[] {
  const rank = Math.max(...shapes.map(({ length }) => length));
  return Array.from({ length: rank }, (_, i) => {
    const axes = shapes.map((shape) => shape[shape.length - rank + i] ?? 1).filter((axis) => axis !== 1);
    return axes.find((axis) => typeof axis === 'number') ?? axes[0] ?? 1;
  });
}

type Factor = Shaped | number;
const shapeOf = (a: Factor): Axes => (typeof a === 'number' ? [] : a.shape);
const binary =
  (op: (a: Value | number, b: Value | number) => Value) =>
  (a: Factor, b: Factor): Shaped =>
    withShape(op(a, b), broadcastShape(shapeOf(a), shapeOf(b)));
const unary =
  (op: (x: Value) => Value) =>
  (x: Shaped): Shaped =>
    withShape(op(x), x.shape);

export const plus = binary(ops.Add);
export const minus = binary(ops.Sub);
export const times = binary(ops.Mul);
export const over = binary(ops.Div);
export const power = binary(ops.Pow);
export const negative = unary(ops.Neg);
export const exponential = unary(ops.Exp);
export const logarithm = unary(ops.Log);
export const errorFunction = unary(ops.Erf);
export const sine = unary(ops.Sin);
export const cosine = unary(ops.Cos);
export const logistic = unary(ops.Sigmoid);

export const cast = (x: Shaped, to: DType): Shaped => withShape(ops.Cast(x, { to }), x.shape);

export const where = (condition: Shaped, a: Factor, b: Factor): Shaped =>
  withShape(ops.Where(condition, a, b), broadcastShape(condition.shape, shapeOf(a), shapeOf(b)));

/** Sums over axes and keeps them as axes of size 1. */
export function sum(x: Shaped, axes: readonly number[]): Shaped {
  const rank = x.shape.length;
  const summed = axes.map((axis) => (axis + rank) % rank).filter((axis) => x.shape[axis] !== 1);
  if (summed.length === 0) return x;
  const shape = x.shape.map((axis, i) => (summed.includes(i) ? 1 : axis));
  return withShape(ops.ReduceSum(x, { axes: summed }), shape);
}

export function reshape(x: Shaped, shape: Axes): Shaped {
  return sameShape(x.shape, shape) ? x : withShape(ops.Reshape(x, shapeValue(x, shape)), shape);
}

/** Broadcasts x to the shape of `like`; the graph reads that shape only if an axis has just a name. */
export function expand(x: Shaped, like: Shaped): Shaped {
  if (sameShape(x.shape, like.shape)) return x;
  return withShape(ops.Expand(x, knownShape(x, like.shape) ?? ops.Shape(like)), like.shape);
}

export function transpose(x: Shaped, perm: readonly number[]): Shaped {
  if (perm.every((from, to) => from === to)) return x;
  return withShape(
    ops.Transpose(x, { perm }),
    perm.map((from) => x.shape[from]),
  );
}

/** Transposes the last two axes. */
export function matrixTranspose(x: Shaped): Shaped {
  const rank = x.shape.length;
  const perm = x.shape.map((_, i) => i);
  [perm[rank - 2], perm[rank - 1]] = [rank - 1, rank - 2];
  return transpose(x, perm);
}

/** A constant in the shape and type of `like`. */
export const constantLike = (like: Shaped, number: number): Shaped =>
  expand(withShape(like.graph.constant(number, like.dtype), []), like);

/**
 * The gradient at one operand of an elementwise operation, summed over the axes along which that operand was broadcast.
 * @param gradient at the output, in a shape that broadcasts to `out`
 * @param out shape of the operation's result   @param operand shape of the operand
 * @returns a shape that broadcasts to `operand`
 */
export function unbroadcast(gradient: Shaped, out: Axes, operand: Axes): Shaped {
  const rank = out.length;
  const padded = [...Array(rank - gradient.shape.length).fill(1), ...gradient.shape];
  const target = [...Array(rank - operand.length).fill(1), ...operand];
  const repeated = out.flatMap((axis, i) => (target[i] === 1 && axis !== 1 ? [i] : []));
  let copies = 1;
  for (const i of repeated) {
    if (padded[i] !== 1) continue;
    copies *= fixedSize(out[i]);
  }
  const lifted = repeated.length > 0 ? reshape(gradient, padded) : gradient;
  const total = sum(lifted, repeated);
  const scaled = copies === 1 ? total : times(total, copies);
  const surplus = scaled.shape.length - operand.length;
  return surplus > 0 ? reshape(scaled, scaled.shape.slice(surplus)) : scaled;
}

function knownShape(x: Value, shape: Axes): Value | null {
  return shape.every((axis) => typeof axis === 'number') ? x.graph.constant(shape, 'int64') : null;
}

/** A shape as a tensor; the runtime infers one axis that has only a name. */
function shapeValue(x: Shaped, shape: Axes): Value {
  const known = knownShape(x, shape);
  if (known) return known;
  const named = shape.filter((axis) => typeof axis === 'string');
  if (named.length > 1 || shape.includes(0)) throw unknownAxis(named[0]);
  return x.graph.constant(
    shape.map((axis) => (typeof axis === 'string' ? -1 : axis)),
    'int64',
  );
}

/** @throws ModelError `axis-not-fixed` */
export function fixedSize(axis: Axis): number {
  if (typeof axis === 'string') throw unknownAxis(axis);
  return axis;
}

function unknownAxis(axis: string): ModelError {
  return new ModelError({
    code: 'axis-not-fixed',
    message: `The gradient needs the size of the axis "${axis}", which the graph leaves open.`,
    hint: 'Fix the axes of the inputs before differentiating.',
  });
}
