/**
 * BrierLM (arXiv 2510.27688): how likely a sampler writes the true continuation, from two independent continuations of a prompt
 * and no likelihood. For a text y and draws a, b from p, 1[a=y] + 1[b=y] − 1[a=b] has the mean 2p(y) − Σp², one minus the Brier
 * score (Monthly Weather Review 78, 1950): a strictly proper score, highest in expectation for the true distribution.
 */
import { type BootstrapOptions, bootstrapT, type Estimate } from './bootstrap.js';
import { studentQuantile95 } from './student.js';

/** Prefixes of 1 to this many tokens are compared. */
export const BRIER_ORDERS = 4;

/** Two continuations of a prompt and the true one, of at least {@link BRIER_ORDERS} tokens each. */
export interface Continuations {
  a: ArrayLike<number>;
  b: ArrayLike<number>;
  truth: ArrayLike<number>;
}

export interface BrierScores {
  /**
   * The fourth root of the product of Brier-1 to Brier-4, 0 where that is not positive: by its authors' definition, so it is high
   * where all four are far below 0. In [0, 1]; they print it times 100.
   */
  brierLm: Estimate;
  /** Brier-n, n = 1 … 4: in [−1, 1]. */
  byOrder: Estimate[];
}

/** 1[a=y] + 1[b=y] − 1[a=b] of the prefixes of n = 1 … 4 tokens. */
export function brierItem({ a, b, truth }: Continuations): number[] {
  let [ofA, ofB, both] = [true, true, true];
  return Array.from({ length: BRIER_ORDERS }, (_, l) => {
    ofA &&= a[l] === truth[l];
    ofB &&= b[l] === truth[l];
    both &&= a[l] === b[l];
    return Number(ofA) + Number(ofB) - Number(both);
  });
}

/** With fewer items, BrierLM has no error. */
const LEAST_ITEMS = 3;

/**
 * Errors are over items: bootstrap-t for each order. For BrierLM Student's t with the delta method's error, since replicates of the
 * bootstrap whose product is negative have no root, and without them its interval held 86% at 64 items. Where BrierLM is 0, no error of it is known.
 * @param items per item the terms of {@link brierItem}
 */
export function brierScores(items: readonly (readonly number[])[], options: BootstrapOptions): BrierScores {
  const byOrder = Array.from({ length: BRIER_ORDERS }, (_, order): Estimate => {
    if (items.length === 0) return UNKNOWN;
    return bootstrapT(items.length, (indices) => meanOf(items, indices, order), options);
  });
  if (items.length === 0) return { brierLm: UNKNOWN, byOrder };
  const { value, stderr } = geometricMean(items);
  if (!(value > 0) || items.length < LEAST_ITEMS) return { brierLm: { ...UNKNOWN, value }, byOrder };
  const half = studentQuantile95(items.length - 1) * stderr;
  const ci95: [number, number] = [Math.max(0, value - half), Math.min(1, value + half)];
  return { brierLm: { value, stderr, ci95 }, byOrder };
}

const UNKNOWN: Estimate = { value: null, stderr: null, ci95: null };

function meanOf(items: readonly (readonly number[])[], indices: Uint32Array, order: number) {
  const n = indices.length;
  let [total, squares] = [0, 0];
  for (const i of indices) {
    total += items[i][order];
    squares += items[i][order] ** 2;
  }
  const value = total / n;
  return { value, stderr: Math.sqrt(Math.max(0, squares / n - value ** 2) / (n - 1)) };
}

/** With its error by the delta method: d ln B = ¼ Σ_n d Brier-n / Brier-n. */
function geometricMean(items: readonly (readonly number[])[]) {
  const n = items.length;
  const indices = Uint32Array.from(items.keys());
  const means = Array.from({ length: BRIER_ORDERS }, (_, order) => meanOf(items, indices, order).value);
  const product = means.reduce((all, mean) => all * mean, 1);
  if (!(product > 0)) return { value: 0, stderr: 0 };
  let squares = 0;
  for (const item of items) {
    let influence = 0;
    for (const [order, mean] of means.entries()) influence += (item[order] - mean) / mean / BRIER_ORDERS;
    squares += influence ** 2;
  }
  const value = product ** (1 / BRIER_ORDERS);
  return { value, stderr: value * Math.sqrt(squares / n / (n - 1)) };
}
