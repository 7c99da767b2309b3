/**
 * How varied generated text is, without a judge. A generative perplexity means little without these figures, since a
 * model that repeats itself is easy to predict.
 *
 * Over a sample's own token ids: unigram entropy and repetition-4. Over all samples' ids: distinct-1, -2 and -3. Over
 * all texts' bytes: the compression ratio. No n-gram reaches from one sample into the next.
 */
import { deflateSync } from 'node:zlib';
import type { SampledFigure } from '../../records/figures.js';
import { NGrams } from '../../statistics/n-grams.js';
import { ratio } from '../../statistics/ratio.js';
import { blockLengthOf, type DocumentsOf, textRatio } from '../../statistics/text-ratio.js';

/** zlib's deflate at its highest level: a window of 32 KiB. */
export const COMPRESSION_LEVEL = 9;

/**
 * Entropy of the token ids of one sample, −Σ_v (n_v/n) ln (n_v/n), in nats: at most ln n, and 0 where one token is repeated.
 * @param tokens [n]
 */
export function unigramEntropy(tokens: ArrayLike<number>): number {
  const counts = new Map<number, number>();
  for (let i = 0; i < tokens.length; i++) counts.set(tokens[i], (counts.get(tokens[i]) ?? 0) + 1);
  let entropy = 0;
  for (const count of counts.values()) {
    const share = count / tokens.length;
    entropy -= share * Math.log(share);
  }
  return entropy;
}

/**
 * Repetition-4 of one sample: the share of its 4-grams that occurred before in it,
 * 1 − (distinct 4-grams) / (4-grams); seq-rep-4 of Welleck et al. 2020 (arXiv 1908.04319). Null below 4 tokens.
 */
export function repetition4(tokens: ArrayLike<number>): number | null {
  const grams = new NGrams(4);
  grams.add(tokens);
  const distinct = grams.distinct(4);
  return distinct === null ? null : 1 - distinct;
}

export interface DiversityMetrics {
  /** Nats, mean over samples. */
  entropy: SampledFigure;
  /** Distinct n-grams over n-grams, of all samples together (Li et al. 2016): falls with the number of tokens. */
  distinct1: SampledFigure;
  distinct2: SampledFigure;
  distinct3: SampledFigure;
  /** Mean over samples. */
  repetition4: SampledFigure;
  /** UTF-8 bytes of all texts, each with a line end, over their deflated bytes. */
  compressionRatio: SampledFigure;
}

/** Takes samples one at a time and keeps a few numbers and the text's bytes of each. */
export class Diversity {
  private readonly grams = new NGrams(3);
  private readonly entropies: number[] = [];
  private readonly repetitions: number[] = [];
  private readonly texts: Buffer[] = [];

  add(tokens: ArrayLike<number>, text: string): void {
    this.grams.add(tokens);
    this.entropies.push(unigramEntropy(tokens));
    const repeated = repetition4(tokens);
    if (repeated !== null) this.repetitions.push(repeated);
    this.texts.push(Buffer.from(`${text}\n`));
  }

  /** Entropy per sample, nats. */
  get entropyOfSamples(): Float64Array {
    return Float64Array.from(this.entropies);
  }

  /** Repetition-4 per sample; null where a sample has fewer than 4 tokens. */
  get repetitionOfSamples(): Float64Array | null {
    return this.repetitions.length === this.entropies.length ? Float64Array.from(this.repetitions) : null;
  }

  /** @param documents the document of each sequence of real text; null where unknown; absent for samples of a model */
  metrics(documents?: DocumentsOf): DiversityMetrics {
    const meanOver = documents === undefined ? meanOfSamples : meanOfText(documents);
    return {
      entropy: meanOver(this.entropies),
      distinct1: withoutError(this.grams.distinct(1)),
      distinct2: withoutError(this.grams.distinct(2)),
      distinct3: withoutError(this.grams.distinct(3)),
      repetition4: meanOver(this.repetitions),
      compressionRatio: withoutError(compressionRatio(this.texts)),
    };
  }
}

/** Bytes over deflated bytes; null where there is no text. Higher is more repetitive. */
export function compressionRatio(texts: readonly Uint8Array[]): number | null {
  const bytes = Buffer.concat(texts);
  return bytes.length === 0 ? null : bytes.length / deflateSync(bytes, { level: COMPRESSION_LEVEL }).length;
}

/** Mean, its standard error and interval over samples. */
function meanOfSamples(values: readonly number[]): SampledFigure {
  return ratio(Float64Array.from(values), new Float64Array(values.length).fill(1));
}

/** Mean, standard error and interval over units of text. */
function meanOfText(documents: DocumentsOf): (values: readonly number[]) => SampledFigure {
  return (values) => {
    const [y, x] = [Float64Array.from(values), new Float64Array(values.length).fill(1)];
    if (y.length === 0) return withoutError(null);
    const known = documents && documents.length === y.length ? documents : null;
    return textRatio(y, x, known, blockLengthOf(y, x));
  };
}

/** A figure of the whole set, which depends on its size: resampling cannot estimate its error. */
function withoutError(value: number | null): SampledFigure {
  return { value, stderr: null, ci95: null };
}
