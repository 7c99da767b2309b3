import { expect, it } from 'vitest';
import {
  logMeanExpBelow,
  normalDensity,
  normalDistribution,
  normalUpperQuantile,
  normalUpperTail,
} from '../../src/statistics/normal.js';

it('from the middle to where the tail is 1e-250', () => {
  for (const q of [0.999, 0.7, 0.5, 0.4999, 0.3, 0.02, 1e-3, 1e-8, 1e-20, 1e-100, 1e-250])
    expect(Math.abs(normalUpperTail(normalUpperQuantile(q)) / q - 1)).toBeLessThan(1e-9);
});

/** ln E[e^{sZ} | Z < c] by the trapezoid rule, the integrand's largest value taken out. */
function byIntegration(s: number, c: number): number {
  const peak = Math.min(s, c);
  const log = (z: number) => s * z + Math.log(normalDensity(z));
  const steps = 400_000;
  const width = 14 / steps;
  let sum = 0;
  for (let i = 0; i < steps; i++) {
    const z = peak - (i + 0.5) * width;
    sum += Math.exp(log(z) - log(peak));
    const above = peak + (i + 0.5) * width;
    if (above < c) sum += Math.exp(log(above) - log(peak));
  }
  return log(peak) + Math.log(sum * width) - Math.log(normalDistribution(c));
}

it.each([
  [0.5, 2],
  [3, 2.5],
  [10, 3],
  [24, -0.5],
  [27.9, 3],
  [28.1, 3],
  [30, 1],
])('the mean of e^(%d·Z) below %d is that of the integral', (s, c) => {
  expect(Math.abs(logMeanExpBelow(s, c) - byIntegration(s, c))).toBeLessThan(2e-5);
});

it('stays finite where both parts are beyond double precision', () => {
  // ln E ≈ cs − c²/2 − ln(s−c) − ½ln 2π for large s
  const expected = 3000 - 4.5 - Math.log(997) - Math.log(2 * Math.PI) / 2 - Math.log(normalDistribution(3));
  expect(logMeanExpBelow(1000, 3)).toBeCloseTo(expected, 5);
});
