/**
 * The initial attention of a denoiser in training: each head looks one position back or one ahead.
 *
 * The reference initialises to 0 what adaptive normalisation adds to the input of attention. Queries and keys then have no part
 * that all positions share, rotary attention can distinguish positions by their tokens alone, and a head averages over the
 * whole sequence. For a long time such networks learn only token frequencies, which need no neighbours (measurements in
 * fixtures/README.md). Here a few coordinates of the input are constant at first, the same at every position. The queries are
 * the keys rotated by one position, so k·R(j − i − 1)k, for a query at i and a key at j, is greatest at j = i + 1. The values do
 * not read those coordinates at first, so a head passes on its neighbour's token alone. Similar initial queries and keys are
 * the idea of mimetic initialisation (Trockman and Kolter, arXiv 2305.09828).
 */
import { rotaryTables } from './rotary.js';

/** Root mean square over the whole input, relative to that of the normalised input. */
const SHIFT = 3;

/** One in this many coordinates of the input of attention is constant at first. */
const ONE_IN = 16;

/** How many of the first coordinates of the input are constant at first, and the bound of their uniform values. */
export function constantCoordinates(hiddenSize: number): { count: number; bound: number } {
  const count = Math.ceil(hiddenSize / ONE_IN);
  return { count, bound: SHIFT * Math.sqrt((3 * hiddenSize) / count) };
}

/**
 * Adjusts drawn rows of the matrix [hiddenSize, 3 · hiddenSize] of queries, keys and values: the queries become the keys
 * rotated by one position, back in even heads and ahead in odd ones; the values ignore the constant coordinates.
 */
export function lookingAtNeighbours(network: {
  hiddenSize: number;
  heads: number;
}): (rows: Float32Array, firstRow: number) => void {
  const { hiddenSize, heads } = network;
  const half = hiddenSize / heads / 2;
  const { cos, sin } = rotaryTables(2, 2 * half);
  const constant = constantCoordinates(hiddenSize).count;
  return (rows, firstRow) => {
    const count = rows.length / (3 * hiddenSize);
    for (let row = 0; row < count; row++) {
      const [queries, keys, values] = [0, 1, 2].map((part) =>
        rows.subarray((3 * row + part) * hiddenSize, (3 * row + part + 1) * hiddenSize),
      );
      for (let head = 0; head < heads; head++) {
        for (let i = 0; i < half; i++) {
          const [a, b] = [2 * head * half + i, (2 * head + 1) * half + i];
          const c = cos[half + i];
          const s = head % 2 === 0 ? -sin[half + i] : sin[half + i];
          queries[a] = keys[a] * c - keys[b] * s;
          queries[b] = keys[b] * c + keys[a] * s;
        }
      }
      if (firstRow + row < constant) values.fill(0);
    }
  };
}
