/**
 * A ratio of totals over independent draws, Σ y / Σ x, such as a model's samples, and its sampling error. Sequences of running
 * text are not independent: see text-ratio.ts. Sums run in the order of the entries, so the figure does not depend on the
 * order in which they were computed.
 */
import { DomainError } from '../errors.js';
import { entry, type Numbers, numbersOf, sum } from './numbers.js';
import { studentQuantile95 } from './student.js';

export interface Ratio {
  /** Σ y / Σ x; null when Σ x is 0. */
  value: number | null;
  /** Standard error; null with too few units. */
  stderr: number | null;
  /** 95% interval from Student's t; null with too few units. */
  ci95: [number, number] | null;
}

/**
 * The ratio estimator, with its variance by linearisation (the delta method; Cochran, Sampling Techniques, 3rd ed. 1977,
 * ch. 6): residuals e_i = y_i − R·x_i, var R = n/(n−1) · Σ e_i² / (Σ x)². With equal x it is the sample variance of y/x
 * divided by n. The interval is Student's t with n − 1 degrees of freedom (Student, Biometrika 6, 1908).
 * @param y, x one entry per draw, x ≥ 0
 * @throws DomainError when the lengths differ or an entry is not finite
 */
export function ratio(y: Numbers, x: Numbers): Ratio {
  checkRatio(y, x);
  const total = sum(x);
  if (!(total > 0)) return { value: null, stderr: null, ci95: null };
  const value = sum(y) / total;
  const n = y.length;
  if (n < 2) return { value, stderr: null, ci95: null };
  const squares = numbersOf(n, (i) => (entry(y, i) - value * entry(x, i)) ** 2);
  const stderr = Math.sqrt((n / (n - 1)) * sum(squares)) / total;
  const margin = studentQuantile95(n - 1) * stderr;
  return { value, stderr, ci95: [value - margin, value + margin] };
}

/** @throws DomainError when the lengths differ, or an entry is not finite, or a denominator is negative */
export function checkRatio(y: Numbers, x: Numbers): void {
  if (y.length !== x.length) {
    throw new DomainError({
      code: 'unequal-lengths',
      message: `A ratio needs as many numerators as denominators, got ${y.length} and ${x.length}.`,
    });
  }
  for (let i = 0; i < y.length; i++) {
    const [numerator, denominator] = [entry(y, i), entry(x, i)];
    if (!Number.isFinite(numerator) || !Number.isFinite(denominator) || denominator < 0) {
      throw new DomainError({
        code: 'not-finite',
        message: `Sequence ${i} has ${numerator} over ${denominator}, which is no ratio.`,
        hint: 'A loss that is not finite means that the model diverges on this sequence.',
      });
    }
  }
}
