import { describe, expect, it } from 'vitest';
import { incompleteBetas } from '../../src/statistics/incomplete-beta.js';

const close = (found: number, exact: number) => expect(Math.abs(found / exact - 1)).toBeLessThan(1e-12);

describe.each([1e-6, 1e-3, 0.2, 0.5, 0.9, 0.999])('x = %d', (x) => {
  it.each([1, 2, 8, 127, 1024])('n = %d: the first, the last and the sum over k', (n) => {
    const found = incompleteBetas(n, x, 1 - x);
    expect(found[0]).toBe(1);
    close(found[1], -Math.expm1(n * Math.log1p(-x)));
    if (x ** n > 1e-290) close(found[n], x ** n);
    // Σ_k P(count ≥ k) is the mean count.
    close(
      found.slice(1).reduce((sum, value) => sum + value),
      n * x,
    );
    for (let k = 1; k <= n; k++) expect(found[k]).toBeLessThanOrEqual(found[k - 1]);
  });

  it('n = 3: the polynomials', () => {
    const found = incompleteBetas(3, x, 1 - x);
    close(found[2], 3 * x ** 2 - 2 * x ** 3);
    close(found[3], x ** 3);
  });

  it('is one less its mirror image', () => {
    const n = 40;
    const [found, mirrored] = [incompleteBetas(n, x, 1 - x), incompleteBetas(n, 1 - x, x)];
    for (let k = 1; k <= n; k++) expect(Math.abs(found[k] + mirrored[n - k + 1] - 1)).toBeLessThan(1e-12);
  });
});

it('an even chance is one half in the middle, and the ends are 0 and 1', () => {
  close(incompleteBetas(1023, 0.5, 0.5)[512], 0.5);
  expect([...incompleteBetas(3, 1, 0)]).toEqual([1, 1, 1, 1]);
  expect([...incompleteBetas(3, 0, 1)]).toEqual([1, 0, 0, 0]);
});
