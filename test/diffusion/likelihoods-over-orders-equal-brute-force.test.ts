/** The recursions over subsets give what all n! orders give, one by one, for tables of random probabilities. */
import { describe, expect, it } from 'vitest';
import { likelihoodsOverOrders, properSubsets, subsetTable } from '../../src/diffusion/subsets.js';
import { uniform } from '../../src/random/uniforms.js';

/** ln p of each token given each subset: no two orders of a random table have the same sum. */
function randomTable(n: number): Float64Array {
  return Float64Array.from({ length: 2 ** n * n }, (_, i) =>
    Math.log(uniform({ seed: 7, stream: 0x30, sequence: n, step: 0 }, i)),
  );
}

function ordersOf(tokens: readonly number[]): number[][] {
  if (tokens.length === 0) return [[]];
  return tokens.flatMap((token) =>
    ordersOf(tokens.filter((other) => other !== token)).map((rest) => [token, ...rest]),
  );
}

/** ln p of the text in one order. */
function along(table: Float64Array, order: readonly number[]): number {
  let [S, sum] = [0, 0];
  for (const i of order) {
    sum += table[S * order.length + i];
    S |= 1 << i;
  }
  return sum;
}

describe.each([1, 2, 3, 4, 5, 6])('%i tokens', (n) => {
  const table = randomTable(n);
  const found = likelihoodsOverOrders(table, n);
  const orders = ordersOf(Array.from({ length: n }, (_, i) => i));
  const values = orders.map((order) => along(table, order));
  const mean = (of: readonly number[]) => of.reduce((sum, value) => sum + value, 0) / of.length;
  const p = values.map(Math.exp);

  it('the evidence is the mean of p, the bound that of ln p', () => {
    expect(found.evidence).toBeCloseTo(Math.log(mean(p)), 12);
    expect(found.bound).toBeCloseTo(mean(values), 12);
    expect(found.leftToRight).toBeCloseTo(values[0], 12);
  });

  it('the bound is the weighted sum over subsets', () => {
    const factorial = (k: number): number => (k < 2 ? 1 : k * factorial(k - 1));
    let bound = 0;
    for (const [S, row] of subsetTable(table, n).entries()) {
      const size = row.filter((value) => value === null).length;
      const weight = (factorial(size) * factorial(n - size - 1)) / factorial(n);
      for (const value of row) bound += weight * (value ?? 0);
      expect(row.map((value) => value === null)).toEqual(row.map((_, i) => (S & (1 << i)) !== 0));
    }
    expect(properSubsets(n)).toBe(subsetTable(table, n).length);
    expect(found.bound).toBeCloseTo(bound, 12);
  });

  it('best and worst are the largest and smallest, with their orders', () => {
    for (const [extreme, pick] of [
      [found.best, Math.max(...values)],
      [found.worst, Math.min(...values)],
    ] as const) {
      expect(extreme.value).toBeCloseTo(pick, 12);
      expect(extreme.order).toEqual(orders[values.indexOf(pick)]);
    }
  });

  it('the deviations are those over all orders', () => {
    expect(found.sdOfLog).toBeCloseTo(Math.sqrt(mean(values.map((v) => (v - mean(values)) ** 2))), 10);
    expect(found.relativeSd).toBeCloseTo(Math.sqrt(mean(p.map((v) => (v - mean(p)) ** 2))) / mean(p), 6);
  });
});

it('text far below the smallest number keeps its digits', () => {
  const n = 12;
  const table = new Float64Array(2 ** n * n).fill(-100);
  const { evidence, bound, best, relativeSd } = likelihoodsOverOrders(table, n);
  for (const value of [evidence, bound, best.value]) expect(value).toBeCloseTo(-1200, 9);
  expect(relativeSd).toBeLessThan(1e-5);
});
