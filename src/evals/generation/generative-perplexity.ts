/**
 * Generative perplexity: exp of the mean nats per counted token, over all samples, token-weighted; how well an
 * autoregressive judge predicts the texts. The error is over samples, which a model draws independently: bootstrap-t, or
 * Student's t of the logarithm below 8 samples. For real text it is over units of text (statistics/text-ratio.ts), since
 * sequences of one document are not independent.
 */
import { DomainError } from '../../errors.js';
import type { SampledFigure } from '../../records/figures.js';
import { exponential } from '../../records/text-figures.js';
import { type BootstrapOptions, bootstrapT, type Linearised } from '../../statistics/bootstrap.js';
import { sum } from '../../statistics/numbers.js';
import { blockLengthOf, type DocumentsOf, textRatio } from '../../statistics/text-ratio.js';

/** Losses of texts under a judge. */
export interface JudgedSamples {
  /** Total nats of the counted tokens, per sample. */
  nats: Float64Array;
  /** Counted tokens per sample. */
  tokens: Float64Array;
}

export interface GenerativePerplexity {
  /** exp(genNll). */
  genPpl: SampledFigure;
  /** Σ nats / Σ counted tokens. */
  genNll: SampledFigure;
}

/**
 * Value, standard error and 95% interval over samples; the errors are null below three samples.
 * @throws DomainError when the lengths differ
 */
export function generativePerplexity(judged: JudgedSamples, options: BootstrapOptions): GenerativePerplexity {
  const { nats, tokens } = judged;
  checkLengths(judged);
  if (!(sum(tokens) > 0)) return { genPpl: UNKNOWN, genNll: UNKNOWN };
  const counted = Uint32Array.from(tokens.keys()).filter((i) => tokens[i] > 0);
  const genNll = bootstrapT(
    counted.length,
    (indices) => linearisedRatio(nats, tokens, indices, counted),
    options,
  );
  return { genPpl: exponential(genNll), genNll };
}

/** The same for real text, in text order. @throws DomainError when the lengths differ */
export function perplexityOfText(judged: JudgedSamples, documents: DocumentsOf): GenerativePerplexity {
  const { nats, tokens } = judged;
  checkLengths(judged);
  if (!(sum(tokens) > 0)) return { genPpl: UNKNOWN, genNll: UNKNOWN };
  const genNll = textRatio(nats, tokens, documents, blockLengthOf(nats, tokens));
  return { genPpl: exponential(genNll), genNll };
}

/**
 * Σ y / Σ x over the samples with these indices, with the delta method's standard error.
 * @param among the indices of the samples; by default all
 */
function linearisedRatio(
  y: Float64Array,
  x: Float64Array,
  indices: Uint32Array,
  among?: Uint32Array,
): Linearised {
  let [totalY, totalX, squares] = [0, 0, 0];
  for (const index of indices) {
    const i = among ? among[index] : index;
    totalY += y[i];
    totalX += x[i];
  }
  const value = totalY / totalX;
  for (const index of indices) {
    const i = among ? among[index] : index;
    squares += (y[i] - value * x[i]) ** 2;
  }
  const n = indices.length;
  return { value, stderr: Math.sqrt((n / (n - 1)) * squares) / totalX };
}

function checkLengths({ nats, tokens }: JudgedSamples): void {
  if (nats.length === tokens.length) return;
  throw new DomainError({
    code: 'unequal-lengths',
    message: `Samples need nats and tokens each, got ${nats.length} and ${tokens.length}.`,
  });
}

const UNKNOWN: SampledFigure = { value: null, stderr: null, ci95: null };
