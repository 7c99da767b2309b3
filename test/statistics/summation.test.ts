import { expect, it } from 'vitest';
import { sum } from '../../src/statistics/numbers.js';

it('sums without losing small terms beside large ones', () => {
  expect(sum([1, 1e100, 1, -1e100])).toBe(2);
  expect(sum(new Float64Array(10).fill(0.1))).toBe(1);
});
