import { describe, expect, it } from 'vitest';
import { fillNormals, logOfShare, NORMALS_RUN } from '../../src/random/normals.js';
import { normalDistribution } from '../../src/statistics/normal.js';

const address = { seed: 7, stream: 0x26, sequence: 3, step: 2 };
const count = 2 ** 20;
const numbers = new Float32Array(count);
fillNormals(numbers, address);
const correlation = (a: Float32Array, b: Float32Array) =>
  a.reduce((sum, value, i) => sum + value * b[i], 0) / a.length;

describe('normal numbers', () => {
  it('are distributed normally, tails included', () => {
    const edges = [-4, -3.5, -3, -2.5, -2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4];
    const counts = new Float64Array(edges.length + 1);
    for (const x of numbers) counts[edges.filter((edge) => x >= edge).length]++;
    let chiSquare = 0;
    for (let i = 0; i <= edges.length; i++) {
      const below = i === 0 ? 0 : normalDistribution(edges[i - 1]);
      const above = i === edges.length ? 1 : normalDistribution(edges[i]);
      chiSquare += (counts[i] - count * (above - below)) ** 2 / (count * (above - below));
    }
    expect(chiSquare).toBeLessThan(40.8); // 17 degrees of freedom, 1 in 1,000
    expect(numbers.reduce((largest, x) => Math.max(largest, Math.abs(x)), 0)).toBeGreaterThan(4.5);
  });

  it('do not tell of their neighbours, nor of those at other addresses', () => {
    const limit = 4 / Math.sqrt(count);
    for (const lag of [1, 2, 3, 4, NORMALS_RUN]) {
      expect(Math.abs(correlation(numbers.subarray(lag), numbers))).toBeLessThan(limit);
    }
    const other = new Float32Array(count);
    for (const part of ['seed', 'stream', 'sequence', 'step'] as const) {
      fillNormals(other, { ...address, [part]: address[part] + 1 });
      expect(Math.abs(correlation(other, numbers))).toBeLessThan(limit);
    }
    const squares = numbers.map((x) => x * x - 1);
    for (const lag of [1, 2, NORMALS_RUN]) {
      expect(Math.abs(correlation(squares.subarray(lag), squares))).toBeLessThan(3 * limit);
    }
  });

  it('depend on address and position alone, not on how many are asked for', () => {
    const part = new Float32Array(2 * NORMALS_RUN).fill(9);
    for (const asked of [1, 2, 7, 1000, NORMALS_RUN, NORMALS_RUN + 5]) {
      fillNormals(part, address, 3 * NORMALS_RUN, asked);
      expect(part.slice(0, asked)).toEqual(numbers.slice(3 * NORMALS_RUN, 3 * NORMALS_RUN + asked));
      expect(part.slice(asked).every((x) => x === 9)).toBe(true);
      part.fill(9);
    }
  });

  it('come of logarithms that are right to the last digits', () => {
    const all = Array.from({ length: 20_000 }, (_, i) => (i * 2_654_435_761) >>> 0);
    for (const bits of [0, 1, 2 ** 22 - 1, 2 ** 22, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, ...all]) {
      const exact = Math.log((bits + 0.5) / 2 ** 32);
      expect(Math.abs(logOfShare(bits) - exact)).toBeLessThan(1e-12);
    }
  });
});
