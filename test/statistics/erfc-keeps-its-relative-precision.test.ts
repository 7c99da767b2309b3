import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import {
  erfc,
  logNormalDistribution,
  normalDensity,
  normalDistribution,
  normalUpperTail,
} from '../../src/statistics/normal.js';

const oracle = JSON.parse(
  readFileSync(new URL('../oracles/transformation.json', import.meta.url), 'utf8'),
) as {
  erfc: { x: number; erfc: number }[];
};

it.each(oracle.erfc)('erfc($x) is $erfc to a few units in the last place', ({ x, erfc: expected }) => {
  expect(Math.abs(erfc(x) - expected)).toBeLessThanOrEqual(8 * 2 ** -53 * expected);
});

it('the distribution, its tail and its logarithm agree with one another', () => {
  for (let z = -37; z <= 37; z += 0.37) {
    expect(normalDistribution(z) + normalUpperTail(z)).toBeCloseTo(1, 14);
    expect(normalUpperTail(z)).toBe(normalDistribution(-z));
    if (z < 8) expect(Math.exp(logNormalDistribution(z)) / normalDistribution(z)).toBeCloseTo(1, 12);
    // Mills' ratio bounds the tail on both sides: φ·z/(1+z²) < Q < φ/z.
    if (z > 0) {
      expect(normalUpperTail(z)).toBeLessThan(normalDensity(z) / z);
      expect(normalUpperTail(z)).toBeGreaterThan((normalDensity(z) * z) / (1 + z * z));
    }
  }
});
