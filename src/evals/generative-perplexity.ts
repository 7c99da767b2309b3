/**
 * Generative perplexity: exp of the mean nats a counted token, over all samples, token-weighted; how well an
 * autoregressive judge predicts what was generated. Its error is over samples, by the bootstrap.
 */
import { DomainError } from '../errors.js';
import type { SampledFigure } from '../results/generative-record.js';
import {
  type BootstrapOptions,
  bootstrap,
  percentileInterval,
  standardDeviation,
} from '../statistics/bootstrap.js';
import { sum } from '../statistics/summation.js';

/** What a judge found. */
export interface JudgedSamples {
  /** Of each sample: nats over its counted tokens. */
  nats: Float64Array;
  /** Of each sample: counted tokens. */
  tokens: Float64Array;
}

export interface GenerativePerplexity {
  /** exp(genNll). */
  genPpl: SampledFigure;
  /** Σ nats / Σ counted tokens. */
  genNll: SampledFigure;
}

/**
 * Value, and over samples its bootstrap standard error and 95% percentile interval; both unknown with fewer than two samples.
 * @throws DomainError when the lengths differ
 */
export function generativePerplexity(
  { nats, tokens }: JudgedSamples,
  options: BootstrapOptions,
): GenerativePerplexity {
  if (nats.length !== tokens.length) {
    throw new DomainError({
      code: 'unequal-lengths',
      message: `Samples need nats and tokens each, got ${nats.length} and ${tokens.length}.`,
    });
  }
  const total = sum(tokens);
  if (!(total > 0)) return { genPpl: UNKNOWN, genNll: UNKNOWN };
  const nll = sum(nats) / total;
  const counted = Uint32Array.from(tokens.keys()).filter((i) => tokens[i] > 0);
  if (counted.length < 2) return { genPpl: figure(Math.exp(nll), null), genNll: figure(nll, null) };
  const replicates = bootstrap(
    counted.length,
    (indices) => {
      let [natsOf, tokensOf] = [0, 0];
      for (const index of indices) {
        natsOf += nats[counted[index]];
        tokensOf += tokens[counted[index]];
      }
      return natsOf / tokensOf;
    },
    options,
  );
  return { genPpl: figure(Math.exp(nll), replicates.map(Math.exp)), genNll: figure(nll, replicates) };
}

const UNKNOWN: SampledFigure = { value: null, stderr: null, ci95: null };

function figure(value: number, replicates: Float64Array | null): SampledFigure {
  if (replicates === null) return { value, stderr: null, ci95: null };
  return { value, stderr: standardDeviation(replicates), ci95: percentileInterval(replicates) };
}
