import type { Numbers } from './numbers.js';

/** Sums of float64 in the order given, with the rounding error carried along (Neumaier 1974): off by about one ulp. */
export function sum(values: Numbers): number {
  let total = 0;
  let lost = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values.at(i)!;
    const next = total + value;
    lost += Math.abs(total) >= Math.abs(value) ? total - next + value : value - next + total;
    total = next;
  }
  return total + lost;
}
