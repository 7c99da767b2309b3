import { describe, expect, it } from 'vitest';
import { countPower, exactCounts } from '../../src/diffusion/exact-count.js';
import { noiseExactCount } from '../../src/diffusion/forward.js';
import { type Integration, integration } from '../../src/diffusion/integration.js';
import { noiseSchedule, sigmaOf } from '../../src/diffusion/schedule.js';
import { fillUniforms } from '../../src/random/uniforms.js';

const cases = (['duo', 'strict'] as const).flatMap((protocol) =>
  (['log-linear', 'cosine'] as const).flatMap((type) =>
    [1, 8, 20].flatMap((length) =>
      Object.values(countPower).map((power) => ({ protocol, type, length, power })),
    ),
  ),
);

/** Mean loss of k masks, as a network could have: without a formula, and that depends on the noise level if it reads it. */
const lossOf = (k: number, sigma: number | null) => k * (2 + Math.sin(3 * k)) * (1 + (sigma ?? 0) / 5);

/** P(k masks) at a level, by products. */
function binomial(length: number, k: number, m: number): number {
  let p = 1;
  for (let j = 1; j <= k; j++) p *= ((length - k + j) / j) * m;
  return p * (1 - m) ** (length - k);
}

/** ∫ Σ_k P(k)·Λ_k/m over the protocol's range of m, by its own draws and the midpoint rule: masks one by one. */
function oneByOne(base: Integration, length: number, readsTime: boolean): number {
  const n = 50_000;
  let sum = 0;
  for (let i = 0; i < n; i++) {
    const { weight, oneMinusAlpha: m, sigma } = base.at((i + 0.5) / n);
    let mean = 0;
    for (let k = 1; k <= length; k++) mean += binomial(length, k, m) * lossOf(k, readsTime ? sigma : null);
    sum += (weight * mean) / m;
  }
  return sum / n;
}

describe.each(cases)(
  '$protocol, $type schedule, $length tokens, k^-$power',
  ({ protocol, type, length, power }) => {
    const schedule = noiseSchedule({ type });
    const base = integration(protocol, schedule);

    const total = Array.from({ length }, (_, i) => (i + 1) ** -power).reduce((a, b) => a + b);
    /** The mean over u, by this many points for each count. */
    const drawn = (readsTime: boolean, points: number): number => {
      const counts = exactCounts(base, { schedule, readsTime, power });
      let [sum, before] = [0, 0];
      for (let k = 1; k <= length; k++) {
        const q = k ** -power / total;
        for (let j = 0; j < points; j++) {
          const { weight, oneMinusAlpha, masked, sigma } = counts.at(
            before + ((j + 0.5) / points) * q,
            length,
          );
          expect(masked).toBe(k);
          sum += (q * weight * lossOf(k, readsTime ? sigma : null)) / oneMinusAlpha / points;
        }
        before += q;
      }
      return sum;
    };

    it('without time conditioning: each count as often as it is drawn, weighted', () => {
      expect(Math.abs(drawn(false, 1) / oneByOne(base, length, false) - 1)).toBeLessThan(2e-6);
    });

    it('with it: the level follows its distribution given the count', () => {
      expect(Math.abs(drawn(true, Math.ceil(6000 / length)) / oneByOne(base, length, true) - 1)).toBeLessThan(
        1e-4,
      );
    });
  },
);

it('without the weights the published protocol would be off by a thousandth', () => {
  const base = integration('duo', noiseSchedule({ type: 'log-linear' }));
  const exact = oneByOne(base, 8, false);
  const unweighted = Array.from({ length: 8 }, (_, i) => lossOf(i + 1, null) / (i + 1)).reduce(
    (a, b) => a + b,
  );
  expect(Math.abs(unweighted / exact - 1)).toBeGreaterThan(3e-4);
});

it('the network reads at most the last level of its schedule, and every level of the range', () => {
  const schedule = noiseSchedule({ type: 'log-linear' });
  const counts = exactCounts(integration('strict', schedule), { schedule, readsTime: true, power: 0.5 });
  const sigmas = Array.from({ length: 400 }, (_, i) => counts.at((i + 0.5) / 400, 4).sigma);
  expect(Math.max(...sigmas)).toBeLessThanOrEqual(schedule.sigma(1));
  expect(Math.max(...sigmas)).toBeGreaterThan(sigmaOf(0.01, 0.99));
  expect(Math.min(...sigmas)).toBeLessThan(0.01);
});

it('every subset of a size is as probable as any other', () => {
  const x = [0, 1, 2, 3];
  const component = new Float64Array(4);
  const counts = new Map<string, number>();
  for (let sequence = 0; sequence < 6000; sequence++) {
    fillUniforms(component, { seed: 1, stream: 0x7000, sequence, step: 0 });
    const z = noiseExactCount(new Int32Array(4), x, 2, 9, component).join();
    counts.set(z, (counts.get(z) ?? 0) + 1);
  }
  expect(counts.size).toBe(6);
  const chi2 = [...counts.values()].reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
  expect(chi2).toBeLessThan(25.7); // exceeded once in 10,000 times, 5 degrees of freedom
});
