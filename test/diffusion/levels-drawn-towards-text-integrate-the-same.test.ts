import { describe, expect, it } from 'vitest';
import {
  drawTowardsText,
  type Integration,
  integration,
  type NoiseLevel,
  proposalSlope,
} from '../../src/diffusion/integration.js';
import { noiseSchedule } from '../../src/diffusion/schedule.js';

const cases = (['duo', 'strict'] as const).flatMap((protocol) =>
  (['log-linear', 'cosine'] as const).flatMap((type) =>
    Object.values(proposalSlope).map((slope) => ({ protocol, type, slope })),
  ),
);

/** Mean over u by the midpoint rule. */
function mean(levels: Integration, f: (level: NoiseLevel) => number, n = 20_000): number {
  let sum = 0;
  for (let i = 0; i < n; i++) {
    const level = levels.at((i + 0.5) / n);
    sum += level.weight * f(level);
  }
  return sum / n;
}

describe.each(cases)('$protocol, $type schedule, slope $slope', ({ protocol, type, slope }) => {
  const schedule = noiseSchedule({ type });
  const base = integration(protocol, schedule);
  const drawn = drawTowardsText(base, schedule, slope);

  it('has the mean that the protocol has', () => {
    const { measure, alphaRange } = base;
    expect(mean(drawn, () => 1) / (measure * (alphaRange[1] - alphaRange[0]))).toBeCloseTo(1, 6);
    for (const f of [
      ({ alpha }: NoiseLevel) => alpha ** 3,
      ({ alpha }: NoiseLevel) => Math.cos(5 * alpha),
      ({ oneMinusAlpha }: NoiseLevel) => oneMinusAlpha ** -0.25,
    ]) {
      expect(mean(drawn, f) / mean(base, f, 400_000)).toBeCloseTo(1, 4);
    }
  });

  it('goes from one end of the range to the other, noisier with u', () => {
    const [noisiest, cleanest] = base.oneMinusAlphaRange;
    expect(drawn.at(0).oneMinusAlpha / cleanest).toBeCloseTo(1, 9);
    expect(drawn.at(1 - 2 ** -53).oneMinusAlpha / noisiest).toBeCloseTo(1, 9);
    for (let i = 1; i <= 64; i++) {
      const { alpha, oneMinusAlpha, sigma, weight, t } = drawn.at(i / 65);
      expect(oneMinusAlpha).toBeGreaterThan(drawn.at((i - 1) / 65).oneMinusAlpha);
      expect(alpha + oneMinusAlpha).toBeCloseTo(1, 14);
      expect(sigma).toBeCloseTo(Math.min(-Math.log(alpha), schedule.sigma(1)), 12);
      expect(weight).toBeGreaterThan(0);
      if (protocol === 'strict') expect(t).toBeNull();
      else expect(schedule.oneMinusAlpha(t!) / oneMinusAlpha).toBeCloseTo(1, 12);
    }
  });

  it('takes most of the variance from a noise of (1−α)^−1/2, where the protocol has uniform times', () => {
    if (protocol === 'strict') return; // draws towards text by itself
    const second = (levels: Integration) =>
      mean(levels, ({ weight, oneMinusAlpha }) => weight / oneMinusAlpha);
    expect(second(drawn)).toBeLessThan(0.75 * second(base));
  });
});
