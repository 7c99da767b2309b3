/** Long-run variance and block length of series whose autocovariances are known. */
import { describe, expect, it } from 'vitest';
import { fillNormals } from '../../src/random/normals.js';
import { dependenceOf } from '../../src/statistics/dependence.js';

function normals(n: number, sequence: number): Float32Array {
  const out = new Float32Array(n);
  fillNormals(out, { seed: 4, stream: 0x30, sequence, step: 0 });
  return out;
}

function autoregression(phi: number, n: number, sequence = 0): Float64Array {
  const noise = normals(n, sequence);
  let value = noise[0] / Math.sqrt(1 - phi ** 2);
  return Float64Array.from(noise, (normal, i) => {
    if (i > 0) value = phi * value + normal;
    return value;
  });
}

const of = (series: Float64Array) => dependenceOf(series.length, (i) => series[i]);

describe.each([0.3, 0.6, 0.9])('an autoregression of %f', (phi) => {
  const n = 40_000;
  const { longRunVariance, blockLength } = of(autoregression(phi, n));

  it('has the long-run variance 1/(1 − φ)²', () => {
    expect(longRunVariance * (1 - phi) ** 2).toBeGreaterThan(0.85);
    expect(longRunVariance * (1 - phi) ** 2).toBeLessThan(1.15);
  });

  it('asks for blocks of (3/2·(2φ/(1 − φ²))²·n)^⅓', () => {
    const exact = Math.cbrt(1.5 * ((2 * phi) / (1 - phi ** 2)) ** 2 * n);
    expect(blockLength / exact).toBeGreaterThan(0.8);
    expect(blockLength / exact).toBeLessThan(1.25);
  });
});

it('independent numbers ask for short blocks and have their own variance', () => {
  const { longRunVariance, blockLength } = of(Float64Array.from(normals(40_000, 9)));
  expect(blockLength).toBeLessThan(12);
  expect(longRunVariance).toBeGreaterThan(0.9);
  expect(longRunVariance).toBeLessThan(1.1);
});

it('does not depend on how many lags a pass finds: far dependence is found too', () => {
  const n = 4000;
  const noise = normals(n, 3);
  // Stretches of 60 go together, so that more than the first pass's lags are of note.
  const stretches = Float64Array.from({ length: n }, (_, i) => noise[Math.floor(i / 60)] + 0.1 * noise[i]);
  const { blockLength, longRunVariance } = of(stretches);
  expect(blockLength).toBeGreaterThan(60);
  expect(longRunVariance).toBeGreaterThan(30);
});

it('says nothing of a series too short or constant', () => {
  expect(dependenceOf(0, () => 0)).toEqual({ blockLength: 1, longRunVariance: 0 });
  expect(dependenceOf(2, (i) => i)).toMatchObject({ blockLength: 1 });
  expect(dependenceOf(50, () => 0)).toEqual({ blockLength: 1, longRunVariance: 0 });
});
