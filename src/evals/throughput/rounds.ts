/** How the work of a bench divides into rounds, and into steps of samples. */
import { continuationsOf, samplerKey } from '../generation/comparison.js';
import type { Configuration } from './configurations.js';

/** A sweep over batch sizes has at least so many rounds: fewer give no interval. */
const LEAST_SWEPT_ROUNDS = 6;

/** The number of counted rounds, the same for every configuration. In a sweep the largest batch writes all samples, the others fewer. */
export function roundsOf(configurations: readonly Configuration[]): number {
  const rounds = configurations.map(({ request }) => Math.ceil(request.samples / request.batch));
  const isSweep = configurations.some(({ isSwept }) => isSwept);
  return isSweep ? Math.max(LEAST_SWEPT_ROUNDS, Math.min(...rounds)) : Math.max(...rounds);
}

/**
 * Steps of samples: of all rounds, then of the prompts that each configuration continues. Batch sizes of one sampler share these.
 * @param legs batches of a configuration in a round   @param prompts of BrierLM; null: none
 */
export function stepsOf(
  configurations: readonly Configuration[],
  { legs, prompts }: { legs: number; prompts: number | null },
): number[] {
  const rounds = roundsOf(configurations) + 1;
  const drawn = configurations.map(({ request: { batch, steps } }) => legs * rounds * batch * steps);
  const continued = continuationsOfEach(configurations, prompts).map(
    (count, i) => count * configurations[i].request.steps,
  );
  return [drawn.reduce((sum, one) => sum + one, 0), ...continued];
}

/** Samples that BrierLM adds for each configuration: batch sizes of one sampler share those of the first. */
export function continuationsOfEach(
  configurations: readonly Configuration[],
  prompts: number | null,
): number[] {
  const scored = new Set<string>();
  return configurations.map(({ request }) => {
    const sampler = samplerKey(request);
    if (scored.has(sampler)) return 0;
    scored.add(sampler);
    return continuationsOf(prompts);
  });
}
