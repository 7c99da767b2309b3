/** The Pareto front of speed against quality: the points that no other point beats in both. */

export interface ParetoPoint {
  /** More is better: tokens per second. Null: unknown. */
  speed: number | null;
  /** Less is better: generative perplexity. Null: unknown. */
  perplexity: number | null;
}

/**
 * Whether each point is on the front (is not dominated): no other is at least as fast and at least as good, and better in
 * one of the two. Equal points are on it together. A point with an unknown coordinate is not on the front.
 */
export function paretoFront(points: readonly ParetoPoint[]): boolean[] {
  const known = points
    .flatMap(({ speed, perplexity }, i) =>
      speed === null || perplexity === null ? [] : [{ i, speed, perplexity }],
    )
    .sort((a, b) => b.speed - a.speed || a.perplexity - b.perplexity);
  const front = points.map(() => false);
  let best = Number.POSITIVE_INFINITY;
  let speedOfBest = Number.NaN;
  for (const { i, speed, perplexity } of known) {
    front[i] = perplexity < best || (perplexity === best && speed === speedOfBest);
    if (perplexity < best) [best, speedOfBest] = [perplexity, speed];
  }
  return front;
}
