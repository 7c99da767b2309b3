import { expect, it } from 'vitest';
import { permutation } from '../../src/random/permutation.js';

const address = { seed: 5, stream: 2, sequence: 0, step: 0 };

it.each([1, 2, 3, 4, 5, 16, 17, 74, 1000, 4097])('of %i elements', (size) => {
  const image = permutation(size, address);
  const seen = new Set(Array.from({ length: size }, (_, i) => image(i)));
  expect(seen.size).toBe(size);
  expect(Math.min(...seen)).toBe(0);
  expect(Math.max(...seen)).toBe(size - 1);
});

it('is another one at another address, the same at the same', () => {
  const list = (sequence: number) => {
    const image = permutation(100, { ...address, sequence });
    return Array.from({ length: 100 }, (_, i) => image(i));
  };
  expect(list(0)).toEqual(list(0));
  expect(list(0)).not.toEqual(list(1));
});

it('leaves no trace of the order: rank correlation within five standard errors, at a million elements too', () => {
  for (const size of [500, 1_000_000]) {
    const image = permutation(size, address);
    const n = 500;
    let sum = 0;
    for (let k = 0; k < n; k++) {
      const i = Math.floor((k * size) / n);
      sum += (i / size - 0.5) * (image(i) / size - 0.5);
    }
    expect(Math.abs((12 * sum) / n)).toBeLessThan(5 / Math.sqrt(n));
  }
});
