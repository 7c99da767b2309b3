import { expect, it } from 'vitest';
import { fillUniforms } from '../../src/random/uniforms.js';

const n = 1 << 18;
const at = (stream: number, sequence: number, step: number) => {
  const out = new Float64Array(n);
  fillUniforms(out, { seed: 20260801, stream, sequence, step });
  return out;
};
const first = at(1, 0, 0);

it('has the mean and the variance of the uniform distribution, to five standard errors', () => {
  const mean = first.reduce((sum, u) => sum + u, 0) / n;
  const variance = first.reduce((sum, u) => sum + (u - 0.5) ** 2, 0) / n;
  expect(Math.abs(mean - 0.5)).toBeLessThan(5 * Math.sqrt(1 / 12 / n));
  expect(Math.abs(variance - 1 / 12)).toBeLessThan(5 * Math.sqrt(1 / 180 / n));
});

it('fills 256 cells evenly: chi-squared within five standard deviations of its mean', () => {
  const counts = new Float64Array(256);
  for (const u of first) counts[Math.floor(u * 256)]++;
  const chiSquared = counts.reduce((sum, c) => sum + (c - n / 256) ** 2 / (n / 256), 0);
  expect(Math.abs(chiSquared - 255)).toBeLessThan(5 * Math.sqrt(2 * 255));
});

it.each([
  ['the next position', first.subarray(1)],
  ['the next sequence', at(1, 1, 0)],
  ['the next step', at(1, 0, 1)],
  ['another stream', at(2, 0, 0)],
])('is uncorrelated with %s, to five standard errors', (_, other) => {
  const m = Math.min(n, other.length);
  let sum = 0;
  for (let i = 0; i < m; i++) sum += (first[i] - 0.5) * (other[i] - 0.5);
  expect(Math.abs((12 * sum) / m)).toBeLessThan(5 / Math.sqrt(m));
});

it('keeps 53 bits: the last of them is set half of the time', () => {
  let odd = 0;
  for (const u of first) odd += (u * 2 ** 53) % 2;
  expect(Math.abs(odd / n - 0.5)).toBeLessThan(5 * Math.sqrt(0.25 / n));
});
