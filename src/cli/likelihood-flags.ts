/** Flags of the exact likelihood under an unmasking policy. */
import { STARTS, TIE_RULES, UNMASKING_ORDERS } from '../diffusion/unmasking.js';
import { UsageError } from '../errors.js';
import type { ExactLikelihoodSettings } from '../evals/perplexity/exact-likelihood.js';
import { choice, integer, number } from './flags.js';

const helpGroup = 'LIKELIHOOD';

export const likelihoodFlags = {
  policy: choice(UNMASKING_ORDERS)({
    summary: 'Order in which masked positions are revealed, for --likelihood exact.',
    helpGroup,
  }),
  'tokens-per-call': integer({
    min: 1,
    summary: 'Positions that a call reveals in each sequence. [default: 1]',
    helpGroup,
  }),
  'block-size': integer({
    min: 1,
    summary: 'Finish blocks of this many positions from left to right. [default: the sequence is one block]',
    helpGroup,
  }),
  ties: choice(TIE_RULES)({
    summary: 'Which of equal positions goes first. [default: lowest]',
    helpGroup,
  }),
  threshold: number({
    summary: 'Reveal every position with a score above this, but at least --tokens-per-call.',
    helpGroup,
  }),
  'entropy-bound': number({
    above: 0,
    summary:
      'For --policy entropy: reveal more while their entropies, but the largest, add up to at most this.',
    helpGroup,
  }),
  from: choice(STARTS)({
    summary: 'Start with BOS given, or score it too. [default: bos]',
    helpGroup,
  }),
};

interface LikelihoodFlagValues {
  likelihood?: 'bound' | 'exact';
  policy?: ExactLikelihoodSettings['policy'];
  'tokens-per-call'?: number;
  'block-size'?: number;
  ties?: ExactLikelihoodSettings['ties'];
  threshold?: number;
  'entropy-bound'?: number;
  from?: ExactLikelihoodSettings['from'];
}

/** @param needed the flag that asks for a policy   @returns undefined where none is asked for   @throws UsageError for flags that have no effect */
export function likelihoodOfFlags(
  flags: LikelihoodFlagValues,
  needed = '--likelihood exact',
): ExactLikelihoodSettings | undefined {
  const { policy, ties, threshold, from } = flags;
  const [tokensPerCall, blockSize] = [flags['tokens-per-call'], flags['block-size']];
  if (flags.likelihood === 'exact') {
    const entropyBound = flags['entropy-bound'];
    if (policy !== undefined)
      return { policy, tokensPerCall, blockSize, ties, threshold, entropyBound, from };
    throw new UsageError({
      code: 'no-policy',
      message:
        'An exact likelihood is that of a sampler: it depends on the order in which positions are revealed.',
      hint: `Give --policy ${UNMASKING_ORDERS.join('|')}.`,
    });
  }
  const given = Object.keys(likelihoodFlags).find(
    (name) => name in flags && flags[name as 'policy'] !== undefined,
  );
  if (given === undefined) return undefined;
  throw new UsageError({
    code: 'policy-without-likelihood',
    message: `--${given} has an effect only with ${needed}.`,
  });
}

/** @throws UsageError for flags of a bound next to an exact likelihood */
export function checkNothingDrawn(flags: { likelihood?: string; draws?: number; estimator?: string }): void {
  if (flags.likelihood !== 'exact') return;
  const given = (['draws', 'estimator'] as const).find((name) => flags[name] !== undefined);
  if (given === undefined) return;
  throw new UsageError({
    code: 'nothing-is-drawn',
    message: `--${given} has no effect on an exact likelihood: nothing is drawn.`,
  });
}
