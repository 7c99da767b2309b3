/** Columns of numbers, one per sequence, and their sum. */

/** One number per sequence, in order: an array, or a view that reads its numbers on demand. */
export interface Numbers {
  readonly length: number;
  /** @param index in [0, length) */
  at(index: number): number | undefined;
}

/** Numbers that are computed each time they are read. */
export function numbersOf(length: number, at: (index: number) => number): Numbers {
  return { length, at };
}

/** The number at an index, which must be in [0, length). */
export function entry(values: Numbers, index: number): number {
  return values.at(index)!; // the type of `at` includes undefined
}

/** Compensated sum in the given order (Neumaier, ZAMM 54, 1974): the error is about one ulp. */
export function sum(values: Numbers): number {
  let total = 0;
  let lost = 0;
  for (let i = 0; i < values.length; i++) {
    const value = entry(values, i);
    const next = total + value;
    lost += Math.abs(total) >= Math.abs(value) ? total - next + value : value - next + total;
    total = next;
  }
  return total + lost;
}
