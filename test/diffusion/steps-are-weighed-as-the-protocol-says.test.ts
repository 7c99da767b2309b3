/** About src/diffusion/integration.ts: discrete time. */
import { describe, expect, it } from 'vitest';
import { drawTowardsText, type Integration, integration } from '../../src/diffusion/integration.js';
import { noiseSchedule } from '../../src/diffusion/schedule.js';

/** The mean of weight·f of a step's two ends, by the midpoint rule. */
function mean(levels: Integration, f: (m: number, next: number) => number, n = 200_000): number {
  let sum = 0;
  for (let i = 0; i < n; i++) {
    const { weight, oneMinusAlpha, nextOneMinusAlpha } = levels.at((i + 0.5) / n);
    sum += weight * f(oneMinusAlpha, nextOneMinusAlpha!);
  }
  return sum / n;
}

/** Something like a divergence of the step from 1−α = m to `next`. */
const divergence = (m: number, next: number) => (m - next) * (1 + 3 * m) + m ** 2 - next ** 2;

describe.each(
  (['log-linear', 'cosine'] as const).flatMap((type) => [1, 3, 40].map((steps) => ({ type, steps }))),
)('$steps steps, $type', ({ type, steps }) => {
  const schedule = noiseSchedule({ type, steps });
  const m = (i: number, last: number) => (i === steps ? last : schedule.oneMinusAlpha(i / steps));

  it.each(['plain', 'towards text'])(
    'strict is the sum over the steps, from nothing but noise: %s',
    (how) => {
      const base = integration('strict', schedule);
      const levels = how === 'plain' ? base : drawTowardsText(base, schedule, 0);
      let sum = 0;
      for (let i = 1; i <= steps; i++) sum += divergence(m(i, 1), m(i - 1, 1));
      // The head returns the divergence per unit of α.
      expect(mean(levels, (t, s) => divergence(t, s) / (t - s)) / sum).toBeCloseTo(1, 3);
      expect(mean(levels, () => 1)).toBeCloseTo(1, 3);
      expect(base.measure * (base.alphaRange[1] - base.alphaRange[0])).toBeCloseTo(1, 12);
      expect(levels.at(1 - 2 ** -53)).toMatchObject({ t: 1, alpha: 0, oneMinusAlpha: 1 });
      expect(levels.at(1 - 2 ** -53).sigma).toBeCloseTo(-Math.log(schedule.alpha(1)), 12);
      expect(levels.at(0)).toMatchObject({ t: 1 / steps, nextOneMinusAlpha: steps === 1 ? 0 : m(0, 0) });
    },
  );

  it.each(['plain', 'towards text'])(
    'duo is the mean of T times the step that a time falls into: %s',
    (how) => {
      const base = integration('duo', schedule);
      const levels = how === 'plain' ? base : drawTowardsText(base, schedule, 0);
      const last = schedule.oneMinusAlpha(1);
      let sum = 0;
      const n = 100_000;
      for (let k = 0; k < n; k++) {
        // The reference's own rule: ⌊t·T⌋/T + 1/T.
        const i = Math.floor((1e-3 + (0.999 * (k + 0.5)) / n) * steps) + 1;
        sum += (steps * divergence(m(i, last), m(i - 1, last))) / n;
      }
      expect(mean(levels, (t, s) => divergence(t, s) / (t - s)) / sum).toBeCloseTo(1, 3);
      const range = base.measure * (base.alphaRange[1] - base.alphaRange[0]);
      expect(mean(levels, () => 1) / range).toBeCloseTo(1, 3);
    },
  );
});

it('with 1,000 steps, duo leaves out the first, as the reference does', () => {
  const schedule = noiseSchedule({ type: 'log-linear', steps: 1000 });
  expect(integration('duo', schedule).at(0).t).toBe(2 / 1000);
  expect(integration('strict', schedule).at(0).t).toBe(1 / 1000);
});
