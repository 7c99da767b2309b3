/**
 * How training starts the attention of a denoiser: each head looks one position back or one ahead.
 *
 * The reference starts what adaptive normalisation adds to attention's input at 0. Queries and keys then have no part that all
 * positions share, rotary attention can tell positions apart by their tokens alone, and a head averages over the whole
 * sequence. Networks stay for long at the frequencies of tokens, which one needs no neighbours for (fixtures/README.md has what
 * was measured). Here a few coordinates of the input are a constant from the start, the same at every position. With queries
 * that are the keys turned by one position, k·R(j − i − 1)k for a query at i and a key at j is greatest at j = i + 1. As values do
 * not read those coordinates at first, what a head passes on is of its neighbour's token alone. The idea of starting queries
 * and keys alike is that of mimetic initialisation (Trockman and Kolter, arXiv 2305.09828).
 */
import { rotaryTables } from './rotary.js';

/** Root mean square over the whole input, in units of the normalised input's. */
const SHIFT = 3;

/** One in so many coordinates of attention's input is constant at first. */
const ONE_IN = 16;

/** The first coordinates of attention's input: how many are constant at first, uniform on (−bound, bound). */
export function constantCoordinates(hiddenSize: number): { count: number; bound: number } {
  const count = Math.ceil(hiddenSize / ONE_IN);
  return { count, bound: SHIFT * Math.sqrt((3 * hiddenSize) / count) };
}

/**
 * Makes drawn rows of the matrix [hiddenSize, 3 · hiddenSize] of queries, keys and values a start: queries the keys turned by
 * one position, back in even heads and ahead in odd ones, and values blind to the constant coordinates.
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
