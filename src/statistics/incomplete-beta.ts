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
  const terms = new Float64Array(n + 1);
  const mode = Math.min(n, Math.floor((n + 1) * x));
  terms[mode] = 1;
  const odds = x / complement;
  for (let j = mode; j < n; j++) terms[j + 1] = terms[j] * ((n - j) / (j + 1)) * odds;
  if (odds > 0) for (let j = mode; j > 0; j--) terms[j - 1] = (terms[j] * (j / (n - j + 1))) / odds;
  for (let j = n, sum = 0; j >= 0; j--) {
    sum += terms[j];
    tails[j] = sum;
  }
  const [total] = tails;
  for (let j = 0; j <= n; j++) tails[j] /= total;
  return tails;
}
