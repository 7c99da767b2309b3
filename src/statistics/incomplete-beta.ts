/**
 * The regularised incomplete beta function I_x(k, n−k+1) for whole parameters, all k at once: the probability that a binomial
 * count of n trials of probability x is k or more (DLMF 8.17.5), as a sum of positive terms,
 *
 *   I_x(k, n−k+1) = Σ_{j≥k} C(n, j)·x^j·(1−x)^{n−j}
 *
 * Terms follow from each other, from the largest outwards, and are divided by their sum: nothing cancels or overflows.
 */

/**
 * @param n at least 1   @param x in [0, 1]   @param complement 1 − x, without cancellation
 * @returns at k, for k = 0 … n: I_x(k, n−k+1); 1 at k = 0
 */
export function incompleteBetas(n: number, x: number, complement: number): Float64Array {
  const tails = new Float64Array(n + 1);
  if (complement === 0) return tails.fill(1);
  const terms = binomialTerms(n, x, complement, new Float64Array(n + 1));
  for (let j = n, sum = 0; j >= 0; j--) {
    sum += terms[j];
    tails[j] = sum;
  }
  const [total] = tails;
  for (let j = 0; j <= n; j++) tails[j] /= total;
  return tails;
}

/**
 * The x of [from, to] with I_x(k, n−k+1) = p, by bisection.
 * @param k of 1 … n   @param p between the values at the ends
 */
export function incompleteBetaInverse(
  n: number,
  k: number,
  p: number,
  [from, to]: readonly [number, number],
): number {
  const terms = new Float64Array(n + 1);
  let [low, high] = [from, to];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (middle === low || middle === high) break;
    if (tailOf(binomialTerms(n, middle, 1 - middle, terms), k) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** The share of the terms from k on. */
function tailOf(terms: Float64Array, k: number): number {
  let [sum, tail] = [0, 0];
  for (let j = terms.length - 1; j >= 0; j--) {
    sum += terms[j];
    if (j === k) tail = sum;
  }
  return tail / sum;
}

/** The terms of the sum, divided by the largest, into `terms`. @param complement above 0 */
function binomialTerms(n: number, x: number, complement: number, terms: Float64Array): Float64Array {
  const mode = Math.min(n, Math.floor((n + 1) * x));
  terms.fill(0);
  terms[mode] = 1;
  const odds = x / complement;
  for (let j = mode; j < n && terms[j] > 0; j++) terms[j + 1] = terms[j] * ((n - j) / (j + 1)) * odds;
  if (odds > 0)
    for (let j = mode; j > 0 && terms[j] > 0; j--) terms[j - 1] = (terms[j] * (j / (n - j + 1))) / odds;
  return terms;
}
