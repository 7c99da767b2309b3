/**
 * From losses per sequence to the figures of the record: perplexity, nats per token, bits per byte, and the paired
 * difference between two models. Errors are over units of text, documents or blocks (statistics/text-ratio.ts), with one
 * block length per data set: the longest that any of its rows and pairs needs, since a dependence that one row hides shows in another.
 */
import { DomainError } from '../errors.js';
import { entry, type Numbers, numbersOf, sum } from '../statistics/numbers.js';
import { blockLengthOf, blocksAreTried, type DocumentsOf, textRatio } from '../statistics/text-ratio.js';
import type { Figure } from './figures.js';
import type { Comparison } from './record.js';

/** Columns, one entry per sequence, in the order of the text. */
export interface SequenceLosses {
  /** Total nats of the scored tokens, the mean over draws. */
  nats: Numbers;
  /** Scored tokens. */
  tokens: Numbers;
  /** UTF-8 bytes of the decoded text without BOS and EOS. */
  textBytes: Numbers;
  /** The document of each sequence, where documents are the units; else null or absent. */
  documents?: DocumentsOf;
}

export interface PerplexityInput extends SequenceLosses {
  /** Monte Carlo standard error of the total nats on this text; 0 where the loss is exact, null where unknown. */
  natsMcStderr: number | null;
}

export interface PerplexityMetrics {
  ppl: Figure;
  nll: Figure;
  bitsPerByte: Figure;
}

/** Nats of the text without BOS and EOS, by which two models are compared. */
export interface TextLosses {
  textNats: Numbers;
  /** The same for every model of the tokenizer. */
  textTokens: Numbers;
  documents?: DocumentsOf;
}

/** The block length, in sequences, that these rows and their pairs need; 1 where no blocks are used. */
export function longestBlock(
  rows: readonly SequenceLosses[],
  pairs: readonly (readonly [TextLosses, TextLosses])[] = [],
): number {
  const needsBlocks = (documents: DocumentsOf | undefined) => blocksAreTried(documents ?? null);
  const lengths = [
    ...rows
      .filter(({ documents }) => needsBlocks(documents))
      .map(({ nats, tokens }) => blockLengthOf(nats, tokens)),
    ...pairs
      .filter(([{ documents }]) => needsBlocks(documents))
      .map(([a, b]) => blockLengthOf(differenceOf(a, b), a.textTokens)),
  ];
  return Math.max(1, ...lengths);
}

/**
 * @param blockLength sequences per block; by default what this row needs
 * @throws DomainError when lengths differ or an entry is not finite
 */
export function perplexityMetrics(input: PerplexityInput, blockLength?: number): PerplexityMetrics {
  const { nats, tokens, textBytes, documents = null, natsMcStderr } = input;
  const length = blockLength ?? longestBlock([input]);
  const perToken = textRatio(nats, tokens, documents, length);
  const bits = numbersOf(nats.length, (i) => entry(nats, i) / Math.LN2);
  const perByte = textRatio(bits, textBytes, documents, length);
  const nll: Figure = { ...perToken, mcStderr: perUnit(natsMcStderr, sum(tokens)) };
  const bitsPerByte: Figure = { ...perByte, mcStderr: perUnit(natsMcStderr, sum(textBytes) * Math.LN2) };
  return { ppl: perplexityOf(nll), nll, bitsPerByte };
}

function perplexityOf(nll: Figure): Figure {
  const ppl = exponential(nll);
  const mcStderr = ppl.value === null || nll.mcStderr === null ? null : ppl.value * nll.mcStderr;
  return { ...ppl, mcStderr };
}

/** Perplexity from nats per token: exp of the value and the interval's ends; the error by the delta method. */
export function exponential<F extends Pick<Figure, 'value' | 'stderr' | 'ci95'>>(nats: F): F {
  const value = nats.value === null ? null : Math.exp(nats.value);
  const { stderr, ci95 } = nats;
  return {
    ...nats,
    value,
    stderr: value === null || stderr === null ? null : value * stderr,
    ci95: ci95 && [Math.exp(ci95[0]), Math.exp(ci95[1])],
  };
}

/**
 * Difference of two models on the same sequences, in nats per text token, first minus second: negative when the first
 * predicts better. Pairing removes what both find hard, which is most of the variance over text. The denominator
 * is the text's, not the model's scored tokens: ar scores one fewer than the diffusion families.
 * @param blockLength sequences per block; by default what this pair needs
 */
export function pairedComparison(
  a: TextLosses,
  b: TextLosses,
  blockLength: number = longestBlock([], [[a, b]]),
): Omit<Comparison, 'a' | 'b' | 'dataset'> {
  const { value, ci95, ...rest } = textRatio(
    differenceOf(a, b),
    a.textTokens,
    a.documents ?? null,
    blockLength,
  );
  const significant = ci95 === null ? null : ci95[0] > 0 || ci95[1] < 0;
  return { deltaNll: value, ci95, significant, ...rest };
}

function differenceOf({ textNats: a }: TextLosses, { textNats: b }: TextLosses): Numbers {
  if (a.length !== b.length) {
    throw new DomainError({
      code: 'unequal-lengths',
      message: `A paired comparison needs the same sequences, got ${a.length} and ${b.length}.`,
    });
  }
  return numbersOf(a.length, (i) => entry(a, i) - entry(b, i));
}

function perUnit(spread: number | null, total: number): number | null {
  return spread === null || !(total > 0) ? null : spread / total;
}
