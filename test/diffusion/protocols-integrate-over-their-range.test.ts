import { describe, expect, it } from 'vitest';
import { integration } from '../../src/diffusion/integration.js';
import { noiseSchedule } from '../../src/diffusion/schedule.js';

const logLinear = noiseSchedule({ type: 'log-linear' });
const cosine = noiseSchedule({ type: 'cosine' });
const almostOne = 1 - 2 ** -53;

describe.each([
  ['duo', logLinear],
  ['duo', cosine],
  ['strict', logLinear],
  ['strict', cosine],
] as const)('%s, %o', (protocol, schedule) => {
  const range = integration(protocol, schedule);

  it('runs from one end of its range to the other, noisier as u grows', () => {
    const first = range.at(0);
    const last = range.at(almostOne);
    expect(first.oneMinusAlpha / range.oneMinusAlphaRange[1]).toBeCloseTo(1, 10);
    expect(Math.abs(last.alpha - range.alphaRange[0])).toBeLessThan(1e-12);
    let before = 0;
    for (let u = 0; u < 1; u += 1 / 512) {
      const { alpha, oneMinusAlpha, sigma, weight } = range.at(u);
      expect(oneMinusAlpha).toBeGreaterThan(before);
      before = oneMinusAlpha;
      expect(alpha + oneMinusAlpha).toBeCloseTo(1, 14);
      expect(weight).toBeGreaterThanOrEqual(0);
      expect(sigma).toBeCloseTo(Math.min(-Math.log(alpha), -Math.log(schedule.alpha(1))), 9);
    }
  });

  it('the mean of weight·f is measure·∫ f dα', () => {
    const n = 100_000;
    const [low, high] = range.alphaRange;
    for (const [f, integral] of [
      [() => 1, high - low],
      [(a: number) => a ** 3, (high ** 4 - low ** 4) / 4],
      [(a: number) => Math.exp(-5 * a), (Math.exp(-5 * low) - Math.exp(-5 * high)) / 5],
    ] as [(a: number) => number, number][]) {
      let sum = 0;
      for (let i = 0; i < n; i++) {
        const { alpha, weight } = range.at((i + 0.5) / n);
        sum += weight * f(alpha);
      }
      expect(sum / n / (range.measure * integral)).toBeCloseTo(1, 7);
    }
  });
});

it("duo is the reference's time, weight and σ, digit for digit", () => {
  const range = integration('duo', logLinear);
  for (const u of [0, 0.25, 0.9]) {
    const t = 1e-3 + 0.999 * u;
    const at = range.at(u);
    expect(at.t).toBeCloseTo(t, 15);
    expect(at.weight).toBe(0.999);
    expect(at.oneMinusAlpha).toBeCloseTo(0.999 * t, 15);
    expect(at.sigma).toBeCloseTo(-Math.log(1 - 0.999 * t), 12);
  }
  expect(integration('duo', cosine).at(0.5).weight).toBeCloseTo(
    (Math.PI / 2) * Math.sin((Math.PI / 2) * (1 - 0.999 * 0.5005)),
    14,
  );
});

it('strict shows the network no σ beyond the last of its schedule', () => {
  const range = integration('strict', logLinear);
  expect(range.at(almostOne).alpha).toBeLessThan(1e-15);
  expect(range.at(almostOne).sigma).toBeCloseTo(Math.log(1000), 12);
  expect(range.at(0).sigma / 1e-6).toBeCloseTo(1, 5);
});

it('refuses a protocol it does not know', () => {
  expect(() => integration('loose' as 'duo', logLinear)).toThrow(/Unknown protocol "loose"/);
});
