/** The Pareto front of speed against quality: what no other configuration beats in both. */

export interface Configuration {
  /** More is better: tokens a second. Null: unknown. */
  speed: number | null;
  /** Less is better: generative perplexity. Null: unknown. */
  perplexity: number | null;
}

/**
 * Whether each is on the front: no other is at least as fast and at least as good, and better in one of the two. Of what
 * is not known in both nothing can be said, and it is on no front; equal ones are on it together.
 */
export function paretoFront(configurations: readonly Configuration[]): boolean[] {
  const order = [...configurations.keys()]
    .filter((i) => configurations[i].speed !== null && configurations[i].perplexity !== null)
    .sort(
      (a, b) =>
        configurations[b].speed! - configurations[a].speed! ||
        configurations[a].perplexity! - configurations[b].perplexity!,
    );
  const front = configurations.map(() => false);
  let best = Number.POSITIVE_INFINITY;
  let speedOfBest = Number.NaN;
  for (const i of order) {
    const { speed, perplexity } = configurations[i];
    front[i] = perplexity! < best || (perplexity === best && speed === speedOfBest);
    if (perplexity! < best) [best, speedOfBest] = [perplexity!, speed!];
  }
  return front;
}
