/**
 * Figures of interleaved rounds: in every round each configuration does its work once, so a slow phase of the machine affects
 * all of them, and ratios are taken round by round.
 */
import { DomainError } from '../../errors.js';
import type { MedianFigure } from '../../records/figures.js';
import { sampleQuantile } from '../../statistics/bootstrap.js';

/**
 * Median and its 95% interval from order statistics: the k-th smallest to the k-th largest value, k the largest for which a
 * binomial(n, ½) falls below k with probability at most 2.5%. Holds for any distribution; below 6 values there is no interval.
 * @throws DomainError of no values
 */
export function medianFigure(values: ArrayLike<number>): MedianFigure {
  const sorted = Float64Array.from(values).sort();
  const rank = rankOfInterval(sorted.length);
  return {
    value: sampleQuantile(sorted, 0.5),
    ci95: rank === null ? null : [sorted[rank - 1], sorted[sorted.length - rank]],
  };
}

/** k, from 1; null where no interval reaches 95%. */
function rankOfInterval(n: number): number | null {
  let logarithm = -n * Math.LN2; // of P(X = k): 0.5 ** n is 0 from 1,075 values on
  let below = 0;
  for (let k = 0; k <= n / 2; k++) {
    below += Math.exp(logarithm); // P(X ≤ k) = P(X < k + 1)
    if (below > 0.025) return k === 0 ? null : k;
    logarithm += Math.log((n - k) / (k + 1));
  }
  return null;
}

/**
 * How many times faster: the median over rounds of the ratio of the other's seconds to these, each per token.
 * @throws DomainError when the numbers of rounds differ
 */
export function speedUp(
  own: { seconds: readonly number[]; tokens: number },
  other: { seconds: readonly number[]; tokens: number },
): number {
  if (own.seconds.length !== other.seconds.length) {
    throw new DomainError({
      code: 'unequal-lengths',
      message: `A speed-up is over the same rounds, got ${own.seconds.length} and ${other.seconds.length}.`,
    });
  }
  const ratios = own.seconds.map((seconds, r) => other.seconds[r] / other.tokens / (seconds / own.tokens));
  return medianFigure(ratios).value;
}
