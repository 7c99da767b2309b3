/** Numbers of a batch as tensors that a graph is fed. */
import type { TensorData } from '../models/feeds.js';

export const int64 = (values: ArrayLike<number>, dims: number[]): TensorData => ({
  type: 'int64',
  data: integers(values),
  dims,
});
/** Non-negative whole numbers, as their low halves: converting each to a bigint takes fifty times as long. */
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
