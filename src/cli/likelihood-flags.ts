/** Flags of the exact likelihood under an unmasking policy: one policy for `ppl`, several for `frontier`. */

import { OVER_ORDERS, type OverOrders } from '../diffusion/subsets.js';
import { STARTS, TIE_RULES, UNMASKING_ORDERS, type UnmaskingOrder } from '../diffusion/unmasking.js';
import { UsageError } from '../errors.js';
import type { ExactLikelihoodSettings } from '../evals/perplexity/exact-likelihood.js';
import { choice, integer, number, repeatable, string } from './flags.js';
import { numbersOf } from './sampling-flags.js';

const helpGroup = 'LIKELIHOOD';

const ofAllPolicies = {
  'block-size': integer({
    min: 1,
    summary: 'Finish blocks of this many positions from left to right. [default: the sequence is one block]',
    helpGroup,
  }),
  ties: choice(TIE_RULES)({
    summary: 'Which of equal positions goes first. [default: lowest]',
    helpGroup,
  }),
  from: choice(STARTS)({
    summary: 'Start with BOS given, or score it too. [default: bos]',
    helpGroup,
  }),
};

/** For one policy. */
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
  ...ofAllPolicies,
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
};

/** For `ppl` alone. */
export const overOrdersFlag = {
  'over-orders': choice([...OVER_ORDERS, 'bracket'])({
    summary:
      'With --policy random: exactly over all orders of a block, to 12 tokens; bracket prints all three.',
    helpGroup,
  }),
};

/** For a sweep over policies and tokens per call. */
export const policyFlags = {
  policy: repeatable({
    summary: `Orders in which masked positions are revealed, separated by commas or repeated: ${UNMASKING_ORDERS.join(', ')}. [default: all]`,
    helpValue: '<name,…>',
    helpGroup,
  }),
  'tokens-per-call': string({
    summary: 'Positions that a call reveals, separated by commas. [default: 1,2,4,8,16,32]',
    helpValue: '<n,…>',
    helpGroup,
  }),
  ...ofAllPolicies,
};

type Common = Pick<ExactLikelihoodSettings, 'ties' | 'from'> & { 'block-size'?: number };

/** One likelihood per figure over orders that is asked for. */
export function withOrders(
  likelihood: ExactLikelihoodSettings | undefined,
  asked: OverOrders | 'bracket' | undefined,
): ExactLikelihoodSettings | ExactLikelihoodSettings[] | undefined {
  if (asked === undefined) return likelihood;
  if (!likelihood) {
    checkAbsent({ 'over-orders': asked }, ['over-orders'], 'only with --likelihood exact');
    return undefined;
  }
  const of = (overOrders: OverOrders) => ({ ...likelihood, overOrders });
  return asked === 'bracket' ? OVER_ORDERS.map(of) : of(asked);
}

interface LikelihoodFlagValues extends Common {
  likelihood?: 'bound' | 'exact';
  policy?: UnmaskingOrder;
  'tokens-per-call'?: number;
  threshold?: number;
  'entropy-bound'?: number;
}

/** @param needed the flag that asks for a policy   @returns undefined where none is asked for   @throws UsageError for flags that have no effect */
export function likelihoodOfFlags(
  flags: LikelihoodFlagValues,
  needed = '--likelihood exact',
): ExactLikelihoodSettings | undefined {
  const { policy, threshold } = flags;
  if (flags.likelihood !== 'exact') {
    checkAbsent(flags, Object.keys(likelihoodFlags), `only with ${needed}`);
    return undefined;
  }
  if (policy === undefined) {
    throw new UsageError({
      code: 'no-policy',
      message:
        'An exact likelihood is that of a sampler: it depends on the order in which positions are revealed.',
      hint: `Give --policy ${UNMASKING_ORDERS.join('|')}.`,
    });
  }
  const [tokensPerCall, entropyBound] = [flags['tokens-per-call'], flags['entropy-bound']];
  return { policy, tokensPerCall, threshold, entropyBound, ...commonOf(flags) };
}

/** Every policy with every number of tokens per call. @throws UsageError */
export function policiesOfFlags(
  flags: Common & { policy?: string[]; 'tokens-per-call'?: string },
): ExactLikelihoodSettings[] {
  const names = (flags.policy ?? UNMASKING_ORDERS).flatMap((one) => one.split(','));
  const orders = [...new Set(names)].map((name) => {
    const order = UNMASKING_ORDERS.find((one) => one === name.trim());
    if (order) return order;
    throw new UsageError({
      code: 'invalid-flag-value',
      message: `--policy has no value "${name}".`,
      hint: `It takes some of: ${UNMASKING_ORDERS.join(', ')}.`,
    });
  });
  const counts = numbersOf('tokens-per-call', flags['tokens-per-call'] ?? '1,2,4,8,16,32', true);
  return orders.flatMap((policy) =>
    counts.map((tokensPerCall) => ({ policy, tokensPerCall, ...commonOf(flags) })),
  );
}

const commonOf = ({ ties, from, ...flags }: Common) => ({ ties, from, blockSize: flags['block-size'] });

/** @param names of flags   @param when the end of a sentence   @throws UsageError for one that is given */
export function checkAbsent(flags: object, names: readonly string[], when: string): void {
  const values = flags as Record<string, unknown>;
  const given = names.find((name) => values[name] !== undefined);
  if (given === undefined) return;
  throw new UsageError({
    code: 'flag-without-effect',
    message: `--${given} has an effect ${when}.`,
    hint: `Leave out --${given}.`,
  });
}
