import { describe, expect, it } from 'vitest';
import {
  figureAtEntropy,
  interpolate,
  perplexityAtEntropy,
  type SweepPoint,
} from '../../../src/evals/frontier/interpolation.js';
import { normalQuantile } from '../normal-quantile.js';

/** n samples of 100 tokens: nats per token of mean `nll` and entropies of mean `entropy`, with exact spreads. */
function point(
  temperature: number,
  entropy: number,
  nll: number,
  { n = 200, natsSpread = 0, entropySpread = 0, together = false } = {},
): SweepPoint {
  const normal = Array.from({ length: n }, (_, i) => normalQuantile((i + 0.5) / n));
  const other = together ? normal : normal.map((_, i) => normal[(i * 67 + 13) % n]);
  return {
    temperature,
    tokens: new Float64Array(n).fill(100),
    nats: Float64Array.from(normal, (z) => 100 * (nll + natsSpread * z)),
    entropies: Float64Array.from(other, (z) => entropy + entropySpread * z),
  };
}

describe('interpolation', () => {
  const points = [
    { x: 4, y: 2 },
    { x: 2, y: 1 },
    { x: 6, y: 8 },
  ];

  it.each([
    [2, 1],
    [3, 1.5],
    [4, 2],
    [5, 5],
    [6, 8],
    [1.99, null],
    [6.01, null],
  ])('at %f is %f', (x, expected) => {
    expect(interpolate(points, x)).toBe(expected);
  });

  it('of points at one place is their mean', () => {
    expect(interpolate([...points, { x: 4, y: 4 }], 4)).toBe(3);
    expect(interpolate([], 4)).toBeNull();
  });
});

describe('perplexity at an entropy', () => {
  it('is exact where nats are linear in entropy, and has the temperature between', () => {
    const sweep = [0.6, 0.8, 1].map((t) => point(t, 4 * t, 1 + 3 * t));
    const { genPpl, temperature } = perplexityAtEntropy(sweep, 3.4, { seed: 1, resamples: 50 });
    expect(genPpl.value).toBeCloseTo(Math.exp(1 + 3 * 0.85), 9);
    expect(temperature).toBeCloseTo(0.85, 9);
    expect(genPpl.stderr).toBeCloseTo(0, 9);
  });

  it('has the standard error of the weighted mean of its neighbours', () => {
    const [n, s1, s2] = [200, 0.3, 0.5];
    const sweep = [point(0.8, 4, 3, { natsSpread: s1 }), point(1, 5, 4, { natsSpread: s2 })];
    const { genPpl } = perplexityAtEntropy(sweep, 4.25, { seed: 1 });
    const nll = 3.25;
    // Sample i of one temperature is as lucky as sample i of the other: their errors add up.
    const expected = (Math.exp(nll) * (0.75 * s1 + 0.25 * s2)) / Math.sqrt(n);
    expect(genPpl.value).toBeCloseTo(Math.exp(nll), 6);
    expect(Math.abs(genPpl.stderr! / expected - 1)).toBeLessThan(0.08);
    const [low, high] = genPpl.ci95!;
    expect(Math.abs((high - low) / (2 * 1.97 * expected) - 1)).toBeLessThan(0.1);
  });

  it("takes a sample's entropy and nats together: moving along the curve costs nothing", () => {
    const spread = { natsSpread: 0.3, entropySpread: 0.3, together: true };
    const alongTheCurve = [point(0.8, 4, 3, spread), point(1, 5, 4, spread)];
    const apart = [
      point(0.8, 4, 3, { ...spread, together: false }),
      point(1, 5, 4, { ...spread, together: false }),
    ];
    const of = (sweep: SweepPoint[]) =>
      perplexityAtEntropy(sweep, 4.5, { seed: 1, resamples: 400 }).genPpl.stderr!;
    expect(of(alongTheCurve)).toBeLessThan(1e-6);
    expect(of(apart)).toBeGreaterThan(0.1);
  });

  it("has the reference's error in it where the entropy is one of samples", () => {
    const sweep = [point(0.8, 4, 3), point(1, 5, 4)];
    const n = 200;
    const reference = { value: 4.5, stderr: 0.2 / Math.sqrt(n), degrees: n - 1 };
    const { genPpl, entropy } = perplexityAtEntropy(sweep, reference, { seed: 1 });
    expect(entropy).toBeCloseTo(4.5, 9);
    const expected = Math.exp(3.5) * (0.2 / Math.sqrt(n));
    expect(Math.abs(genPpl.stderr! / expected - 1)).toBeLessThan(0.08);
  });

  it('is unknown where the sweep does not reach, and has no interval at its edge', () => {
    const sweep = [point(0.8, 4, 3, { entropySpread: 0.2 }), point(1, 5, 4, { entropySpread: 0.2 })];
    const beyond = perplexityAtEntropy(sweep, 5.5, { seed: 1, resamples: 50 });
    expect([beyond.genPpl.value, beyond.temperature, beyond.outside]).toEqual([null, null, 1]);
    const edge = perplexityAtEntropy(sweep, 4.999, { seed: 1, resamples: 200 });
    expect(edge.genPpl.value).toBeCloseTo(Math.exp(3.999), 5);
    expect(edge.genPpl.ci95).toBeNull();
    expect(edge.outside).toBeGreaterThan(0.3);
  });

  it('is the same for the same seed', () => {
    const sweep = [point(0.8, 4, 3, { natsSpread: 0.2 }), point(1, 5, 4, { natsSpread: 0.2 })];
    const of = (seed: number) => perplexityAtEntropy(sweep, 4.5, { seed, resamples: 100 });
    expect(of(3)).toEqual(of(3));
    expect(of(4).genPpl.ci95).not.toEqual(of(3).genPpl.ci95);
  });
});

describe('a figure at an entropy', () => {
  const at = (entropy: number, value: number, stderr = 0, ofEntropy = 0) => ({
    entropy: { value: entropy, stderr: ofEntropy, ci95: null },
    figure: { value, stderr, ci95: null },
    samples: 1000,
  });
  const target = { value: 4.25, stderr: 0, degrees: Number.POSITIVE_INFINITY };

  it('lies between its neighbours, with the mean of their errors', () => {
    const { value, stderr, ci95 } = figureAtEntropy([at(5, 0.8, 0.04), at(4, 0.4, 0.02)], target, [0, 1]);
    expect(value).toBeCloseTo(0.5, 12);
    expect(stderr).toBeCloseTo(0.025, 12);
    expect(ci95?.[1]).toBeCloseTo(0.5 + 1.9623 * 0.025, 4);
  });

  it('moves with the error of the entropy, by the slope, and stays within its limits', () => {
    const points = [at(4, 0.4, 0, 0.1), at(5, 0.8, 0, 0.1)];
    expect(figureAtEntropy(points, target, [0, 1]).stderr).toBeCloseTo(0.04, 12);
    const moved = figureAtEntropy(points, { ...target, stderr: 0.1 }, [0, 1]);
    expect(moved.stderr).toBeCloseTo(0.4 * Math.hypot(0.1, 0.1), 12);
    expect(figureAtEntropy([at(4, 0.9, 0.2), at(5, 0.98, 0.2)], target, [0, 1]).ci95?.[1]).toBe(1);
  });

  it('is unknown outside the sweep', () => {
    expect(figureAtEntropy([at(4, 0.4), at(4.2, 0.5)], target, [0, 1])).toEqual({
      value: null,
      stderr: null,
      ci95: null,
    });
  });
});
