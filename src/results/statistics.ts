/**
 * From losses per sequence to the figures of the record: perplexity, nats a token, bits a byte, and the paired
 * difference between two models. Intervals are 95%, from Student's t over sequences.
 */
import { DomainError } from '../errors.js';
import { type Numbers, numbersOf } from '../statistics/numbers.js';
import { ratio } from '../statistics/ratio.js';
import { sum } from '../statistics/summation.js';
import type { Comparison, Figure } from './record.js';

export interface PerplexityInput {
  /** Total nats of each sequence, the mean over its draws. */
  nats: Numbers;
  /** Scored tokens of each sequence. */
  tokens: Numbers;
  /** UTF-8 bytes of each sequence's decoded text without BOS and EOS. */
  textBytes: Numbers;
  /** Standard error of the total nats on this very text, over draws; 0 where the loss is exact, null where unknown. */
  natsMcStderr: number | null;
}

export interface PerplexityMetrics {
  ppl: Figure;
  nll: Figure;
  bitsPerByte: Figure;
}

/** @throws DomainError when lengths differ or an entry is not finite */
export function perplexityMetrics(input: PerplexityInput): PerplexityMetrics {
  const { nats, tokens, textBytes, natsMcStderr } = input;
  const perToken = ratio(nats, tokens);
  const bits = numbersOf(nats.length, (i) => nats.at(i)! / Math.LN2);
  const perByte = ratio(bits, textBytes);
  const nll: Figure = { ...perToken, mcStderr: per(natsMcStderr, sum(tokens)) };
  const bitsPerByte: Figure = { ...perByte, mcStderr: per(natsMcStderr, sum(textBytes) * Math.LN2) };
  return { ppl: exponentiated(nll), nll, bitsPerByte };
}

/** Perplexity from nats a token: exp of the value and of the interval's ends, errors by the delta method. */
function exponentiated(nll: Figure): Figure {
  const value = nll.value === null ? null : Math.exp(nll.value);
  return {
    value,
    stderr: value === null || nll.stderr === null ? null : value * nll.stderr,
    ci95: nll.ci95 === null ? null : [Math.exp(nll.ci95[0]), Math.exp(nll.ci95[1])],
    mcStderr: value === null || nll.mcStderr === null ? null : value * nll.mcStderr,
  };
}

export interface PairedInput {
  /** Total nats of each sequence under the first and the second model, in the same order. */
  natsA: Numbers;
  natsB: Numbers;
  /** Text tokens of each sequence, BOS and EOS not counted: the same for both models. */
  textTokens: Numbers;
}

/**
 * Difference of two models on the same sequences, in nats a text token, first minus second: negative when the first
 * predicts better. Pairing removes what both find hard, which is most of the variance over sequences. The denominator
 * is the text's, not the model's scored tokens: ar scores one fewer than the diffusion families.
 */
export function pairedComparison(
  input: PairedInput,
): Pick<Comparison, 'deltaNll' | 'stderr' | 'ci95' | 'significant'> {
  const { natsA, natsB, textTokens } = input;
  if (natsA.length !== natsB.length) {
    throw new DomainError({
      code: 'unequal-lengths',
      message: `A paired comparison needs the same sequences, got ${natsA.length} and ${natsB.length}.`,
    });
  }
  const difference = numbersOf(natsA.length, (i) => natsA.at(i)! - natsB.at(i)!);
  const { value, stderr, ci95 } = ratio(difference, textTokens);
  const significant = ci95 === null ? null : ci95[0] > 0 || ci95[1] < 0;
  return { deltaNll: value, stderr, ci95, significant };
}

function per(spread: number | null, total: number): number | null {
  return spread === null || !(total > 0) ? null : spread / total;
}
