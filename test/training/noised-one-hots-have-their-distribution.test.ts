import { describe, expect, it } from 'vitest';
import { oneMinusDiffusionTransformation } from '../../src/diffusion/transformation.js';
import { fillNormals } from '../../src/random/normals.js';
import { fillOpenUniforms } from '../../src/random/uniforms.js';
import { type NoisedOneHot, noisedOneHot, uniformsPerVector } from '../../src/training/noised-one-hot.js';

const address = { seed: 7, stream: 1, sequence: 0, step: 0 };

interface Setting {
  vocabSize: number;
  kept: number;
  gamma: number;
  inverseTemperature: number;
}

function draws({ vocabSize, kept, gamma, inverseTemperature }: Setting, count: number, x: number) {
  const each = uniformsPerVector(kept, vocabSize);
  const uniforms = new Float64Array(each * count);
  fillOpenUniforms(uniforms, address);
  const noise = {
    signal: 1 / Math.sqrt(1 + Math.exp(gamma)),
    noise: 1 / Math.sqrt(1 + Math.exp(-gamma)),
    inverseTemperature,
    vocabSize,
  };
  const out: NoisedOneHot = { tokens: new Int32Array(kept * count), shares: new Float32Array(kept * count) };
  const z = Array.from({ length: count }, (_, i) =>
    noisedOneHot(out, i * kept, x, kept, noise, uniforms, i * each),
  );
  return { z, noise, ...out };
}

const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
/** Difference of two means in standard errors. */
function deviation(a: number[], b: number[]): number {
  const variance = (values: number[]) => {
    const m = mean(values);
    return mean(values.map((value) => (value - m) ** 2)) / values.length;
  };
  return Math.abs(mean(a) - mean(b)) / Math.sqrt(variance(a) + variance(b));
}

const N = 40_000;

it.each([
  { vocabSize: 50, kept: 3, gamma: -1, inverseTemperature: 10 },
  { vocabSize: 1024, kept: 8, gamma: -2, inverseTemperature: 1000 },
  { vocabSize: 5, kept: 5, gamma: 1, inverseTemperature: 1 },
])('the largest entry is x as often as the diffusion transformation says: $vocabSize tokens', (setting) => {
  const { vocabSize, gamma } = setting;
  const oneMinusAlpha = oneMinusDiffusionTransformation(gamma, vocabSize);
  const expected = 1 - oneMinusAlpha + oneMinusAlpha / vocabSize;
  const share = mean(draws(setting, N, 2).z.map((z) => Number(z === 2)));
  expect(Math.abs(share - expected)).toBeLessThan(4 * Math.sqrt((expected * (1 - expected)) / N));
});

it('every other token is the largest equally often', () => {
  const setting = { vocabSize: 6, kept: 2, gamma: 0, inverseTemperature: 1 };
  const counts = new Array(6).fill(0);
  for (const z of draws(setting, N, 3).z) counts[z]++;
  const others = counts.toSpliced(3, 1);
  const expected = mean(others);
  const chiSquare = others.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  expect(chiSquare).toBeLessThan(18.5); // 4 degrees of freedom, p = 0.001
});

it('with all entries kept it is the whole softmax', () => {
  const { tokens, shares, z } = draws({ vocabSize: 7, kept: 7, gamma: 0, inverseTemperature: 2 }, 50, 4);
  for (let i = 0; i < 50; i++) {
    const row = [...tokens.subarray(7 * i, 7 * i + 7)];
    const shareOf = shares.subarray(7 * i, 7 * i + 7);
    expect(row.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(shareOf.reduce((a, b) => a + b)).toBeCloseTo(1, 6);
    expect(row[shareOf.indexOf(Math.max(...shareOf))]).toBe(z[i]);
  }
});

describe('against vectors drawn whole', () => {
  const setting = { vocabSize: 40, kept: 5, gamma: -1.5, inverseTemperature: 4 };
  const { vocabSize, kept } = setting;
  const found = draws(setting, N, 0);
  const whole = { largest: [] as number[], sum: [] as number[], own: [] as number[] };
  const normals = new Float32Array(vocabSize);
  for (let i = 0; i < N; i++) {
    fillNormals(normals, { ...address, stream: 2, sequence: i });
    const powers = Array.from(normals, (normal, v) =>
      Math.exp(
        setting.inverseTemperature * (found.noise.noise * normal + (v === 0 ? found.noise.signal : 0)),
      ),
    );
    const total = powers.reduce((a, b) => a + b);
    const top = powers
      .map((power, v) => [power / total, v])
      .toSorted((a, b) => b[0] - a[0])
      .slice(0, kept);
    whole.largest.push(top[0][0]);
    whole.sum.push(top.reduce((sum, [share]) => sum + share, 0));
    whole.own.push(top.find(([, v]) => v === 0)?.[0] ?? 0);
  }
  const rows = Array.from({ length: N }, (_, i) => i * kept);
  const shares = rows.map((at) => [...found.shares.subarray(at, at + kept)]);

  it.each([
    ['largest share', shares.map((row) => Math.max(...row)), whole.largest, 4],
    // The mean of what is not kept stands for it: a bias far below the figure, but not below its error here.
    ['sum of shares', shares.map((row) => row.reduce((a, b) => a + b)), whole.sum, 6],
    [
      "x's share",
      rows.map((at, i) => shares[i][found.tokens.subarray(at, at + kept).indexOf(0)] ?? 0),
      whole.own,
      4,
    ],
  ] as const)('the %s has the same mean', (_name, a, b, most) => {
    expect(deviation([...a], [...b])).toBeLessThan(most);
  });
});
