import { describe, expect, it } from 'vitest';
import { noiseSchedule } from '../../src/diffusion/schedule.js';

const eps = 1e-3;
const closed = {
  'log-linear': {
    alpha: (t: number) => 1 - (1 - eps) * t,
    dalpha: () => -(1 - eps),
  },
  cosine: {
    alpha: (t: number) => 1 - Math.cos((Math.PI / 2) * (1 - (1 - eps) * t)),
    dalpha: (t: number) => -(Math.PI / 2) * (1 - eps) * Math.sin((Math.PI / 2) * (1 - (1 - eps) * t)),
  },
};

describe.each(['log-linear', 'cosine'] as const)('%s', (type) => {
  const schedule = noiseSchedule({ type, eps });

  it('is the formula, and falls from 1', () => {
    expect(schedule.alpha(0)).toBeCloseTo(1, 15);
    for (let t = 0; t <= 1; t += 1 / 64) {
      expect(schedule.alpha(t)).toBeCloseTo(closed[type].alpha(t), 14);
      expect(schedule.oneMinusAlpha(t)).toBeCloseTo(1 - closed[type].alpha(t), 14);
      expect(schedule.sigma(t)).toBeCloseTo(-Math.log(closed[type].alpha(t)), 9);
      expect(schedule.dalpha(t, 'strict')).toBeCloseTo(closed[type].dalpha(t), 14);
    }
  });

  it('has 1 − α in proportion to t near 0: no digits are lost', () => {
    const slope = -schedule.dalpha(0, 'strict');
    for (const t of [1e-6, 1e-9, 1e-12]) {
      expect(schedule.oneMinusAlpha(t) / (slope * t)).toBeCloseTo(1, 11);
      expect(schedule.sigma(t) / (slope * t)).toBeCloseTo(1, 5);
    }
  });

  it('its derivative is that of α', () => {
    for (const t of [0.1, 0.5, 0.9]) {
      const numeric = (schedule.alpha(t + 1e-5) - schedule.alpha(t - 1e-5)) / 2e-5;
      expect(schedule.dalpha(t, 'strict')).toBeCloseTo(numeric, 8);
    }
  });

  it('timeAt is the inverse, at both ends too', () => {
    for (const t of [1e-9, 1e-3, 0.2, 0.5, 0.77, 0.999, 1]) {
      expect(schedule.timeAt(schedule.alpha(t), schedule.oneMinusAlpha(t)) / t).toBeCloseTo(1, 12);
    }
    expect(schedule.timeAt(0.3)).toBeCloseTo(schedule.timeAt(0.3, 0.7), 12);
  });
});

it('the last α: ε for log-linear, (πε/2)²/2 for cosine', () => {
  expect(noiseSchedule({ type: 'log-linear' }).alpha(1) / 1e-3).toBeCloseTo(1, 12);
  expect(noiseSchedule({ type: 'cosine' }).alpha(1) / ((Math.PI / 2) ** 2 * 0.5e-6)).toBeCloseTo(1, 6);
});

it("protocol duo leaves (1 − ε) out of the cosine schedule's derivative, and only there", () => {
  const cosine = noiseSchedule({ type: 'cosine' });
  const logLinear = noiseSchedule({ type: 'log-linear' });
  for (const t of [0.01, 0.4, 0.95]) {
    expect(cosine.dalpha(t, 'strict') / cosine.dalpha(t, 'duo')).toBeCloseTo(1 - eps, 14);
    expect(logLinear.dalpha(t, 'strict')).toBe(logLinear.dalpha(t, 'duo'));
  }
});

it.each([
  [{ type: 'linear', eps: 1e-3 }, /Unknown noise schedule "linear"/],
  [{ type: 'cosine', eps: 0 }, /eps must lie between 0 and 1/],
  [{ type: 'cosine', eps: Number.NaN }, /eps must lie between 0 and 1/],
])('refuses %j', (card, message) => {
  expect(() => noiseSchedule(card as Parameters<typeof noiseSchedule>[0])).toThrow(message);
});
