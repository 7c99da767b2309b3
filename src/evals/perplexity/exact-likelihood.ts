/**
 * The exact likelihood of a masked model under an unmasking policy (DUEL, arXiv 2603.01367): what is asked for, which models have
 * one, and how it is called.
 *
 * The text is masked. Each call, the policy picks some masked positions from the model's distributions, never from the true tokens;
 * ln p of their true tokens, all from this call, is added, and they are revealed. The sum is ln p of the sampler that follows the
 * policy at temperature 1, exactly. It is no property of the model alone, and not always below the model's bound.
 */
import type { PackedStream } from '../../datasets/packed-stream.js';
import {
  MOST_SUBSET_TOKENS,
  type OverOrders,
  PSI_OF_SUMS,
  type PsiChoice,
  properSubsets,
} from '../../diffusion/subsets.js';
import {
  isScored,
  policyProblem,
  type Start,
  type TieRule,
  type UnmaskingOrder,
  type UnmaskingPolicy,
} from '../../diffusion/unmasking.js';
import { UsageError } from '../../errors.js';
import type { Checkpoint } from '../../models/checkpoint.js';
import { blockSizeOf, FAMILIES, isFirstGiven, isMasked } from '../../models/family.js';
import type { ProtocolRecord } from './record.js';

export interface ExactLikelihood extends UnmaskingPolicy {
  entropyBound: number | null;
  from: Start;
  /** In place of one random order, all of them. */
  overOrders?: OverOrders;
  /** Of an upper bound: the likelihood that its ψ is, block by block. */
  psi?: PsiChoice;
}

/** As a caller asks for it; what is left out has a default. */
export interface ExactLikelihoodSettings {
  policy: UnmaskingOrder;
  /** Positions that a call reveals in each sequence. By default 1. */
  tokensPerCall?: number;
  /** Positions per block: a block is finished before the next begins. By default the sequence is one block. */
  blockSize?: number | null;
  /** Which of equal positions goes first: the lowest (the default), or one drawn with the seed. */
  ties?: TieRule;
  /** Reveals every position with a score above this, but at least `tokensPerCall`. */
  threshold?: number | null;
  /** γ in nats, for `entropy`: reveals the first positions while their entropies but the largest add up to at most this. */
  entropyBound?: number | null;
  /** `bos` (the default): BOS is given and not scored. `all-masked`: it is masked and scored. */
  from?: Start;
  /** For `random`, one token per call: over all orders exactly, in place of one. For blocks of up to 12 tokens. */
  overOrders?: OverOrders;
}

/** @throws UsageError for settings that contradict one another */
export function exactLikelihood({
  policy: order,
  tokensPerCall = 1,
  blockSize = null,
  ties = 'lowest',
  threshold = null,
  entropyBound = null,
  from = 'bos',
  overOrders,
}: ExactLikelihoodSettings): ExactLikelihood {
  const asked: ExactLikelihood = {
    ...{ order, tokensPerCall, blockSize, ties, threshold, entropyBound, from },
    ...(overOrders && { overOrders }),
    ...(overOrders === 'upper-bound' && { psi: PSI_OF_SUMS }),
  };
  checkPolicy(asked);
  return asked;
}

/** The likelihood that is asked of a model; null where its loss has no order: ar, whose likelihood is exact as it is. */
export function likelihoodOf(
  { family }: Pick<Checkpoint, 'family'>,
  { likelihood = null }: { likelihood?: ExactLikelihood | null },
): ExactLikelihood | null {
  return isMasked(family) ? likelihood : null;
}

/** Whether any figure of the model depends on the seed. */
export function usesSeed(
  checkpoint: Pick<Checkpoint, 'family'>,
  options: { likelihood?: ExactLikelihood | null },
): boolean {
  const likelihood = likelihoodOf(checkpoint, options);
  if (likelihood === null) return checkpoint.family !== 'ar';
  if (likelihood.overOrders) return false;
  return likelihood.order === 'random' || (likelihood.ties === 'seeded' && isScored(likelihood.order));
}

/** @throws UsageError for a model or a stream that has no likelihood of this kind */
export function checkLikelihood(
  checkpoint: Checkpoint,
  stream: Pick<PackedStream, 'name' | 'length' | 'wrapped'>,
  likelihood: ExactLikelihood | null | undefined,
): void {
  const { name, family } = checkpoint;
  if (!likelihood || family === 'ar') return;
  if (!isMasked(family)) throw noOrder({ name, family });
  checkPolicy(likelihood, { length: stream.length, ofModel: blockSizeOf(checkpoint) });
  const atOnce = tokensAtOnce(stream.length, likelihood, blockSizeOf(checkpoint));
  if (likelihood.overOrders && atOnce > MOST_SUBSET_TOKENS) {
    throw new UsageError({
      code: 'too-many-orders',
      message: `${atOnce} tokens of ${name} are unknown together: all orders are had for up to ${MOST_SUBSET_TOKENS}, by 2ⁿ − 1 calls, and orders that are drawn give no upper bound.`,
      hint: 'Leave out --over-orders, or take a model of block diffusion with smaller blocks.',
    });
  }
  const { from } = likelihood;
  const { neverMasked } = checkpoint.fields;
  if (from === 'all-masked' && neverMasked.from !== 'default' && neverMasked.value?.includes(0)) {
    throw new UsageError({
      code: 'first-never-masked',
      message: `${name} never masks the first token of a text, so it has no probability.`,
      hint: 'Give --from bos: the first token is then given.',
    });
  }
  if (from === 'bos' && !stream.wrapped && !isFirstGiven(checkpoint)) {
    throw new UsageError({
      code: 'no-bos',
      message: `The sequences of ${stream.name} do not begin with BOS, so it cannot be given.`,
      hint: 'Give --from all-masked, or --bos-token-id.',
    });
  }
}

/** @throws UsageError `unusable-policy`, with the flag to change */
function checkPolicy(likelihood: ExactLikelihood, text?: Parameters<typeof policyProblem>[1]): void {
  const { order, tokensPerCall, blockSize, overOrders } = likelihood;
  if (overOrders && (order !== 'random' || tokensPerCall !== 1 || blockSize !== null)) {
    throw new UsageError({
      code: 'unusable-policy',
      message: 'All orders are those in which tokens are revealed one by one, any of them next.',
      hint: 'With --over-orders give --policy random, one token per call and no --block-size.',
    });
  }
  const problem = policyProblem(likelihood, text);
  if (!problem) return;
  const { message, setting, takes } = problem;
  throw new UsageError({ code: 'unusable-policy', message, hint: `Give ${FLAGS[setting]} ${takes}.` });
}

const FLAGS = { order: '--policy', tokensPerCall: '--tokens-per-call', blockSize: '--block-size' } as const;

/** @throws UsageError when no model has an order to choose */
export function checkAnyOrder(checkpoints: readonly Pick<Checkpoint, 'name' | 'family'>[]): void {
  if (!checkpoints.some(({ family }) => isMasked(family))) throw noOrder(checkpoints[0]);
}

function noOrder({ name, family }: Pick<Checkpoint, 'name' | 'family'>): UsageError {
  const why =
    family === 'ar'
      ? 'it reads from left to right, and its likelihood is exact as it is'
      : 'its likelihood is a bound, whatever the order';
  return new UsageError({
    code: 'no-unmasking-order',
    message: `An unmasking policy needs a model that fills masks. ${name} is of the family ${family}: ${why}.`,
    hint: `Families with an order to choose: ${FAMILIES.filter(isMasked).join(', ')}.`,
  });
}

/**
 * Model calls per sequence; with a threshold, at most.
 * @param ofModel L′ of block diffusion, whose blocks a call advances all together
 */
export function callsOfSequence(length: number, likelihood: ExactLikelihood, ofModel = length): number {
  if (likelihood.overOrders) return properSubsets(tokensAtOnce(length, likelihood, ofModel));
  if (ofModel < length) return callsOfSequence(ofModel, { ...likelihood, from: 'all-masked' });
  const { tokensPerCall, blockSize, from } = likelihood;
  const size = blockSize ?? length;
  let calls = 0;
  for (let start = 0; start < length; start += size) {
    const masked = Math.min(size, length - start) - (start === 0 && from === 'bos' ? 1 : 0);
    calls += Math.ceil(masked / tokensPerCall);
  }
  return calls;
}

/** The most tokens of a block that are masked together. */
function tokensAtOnce(length: number, { from }: ExactLikelihood, ofModel = length): number {
  if (ofModel < length) return ofModel;
  return length - (from === 'bos' ? 1 : 0);
}

/** As the record has it. @param checkpoint null: of no model yet */
export function likelihoodRecord(
  { order, tokensPerCall, blockSize, ties, threshold, entropyBound, from, overOrders, psi }: ExactLikelihood,
  checkpoint: Pick<Checkpoint, 'fields' | 'signature'> | null,
): Partial<ProtocolRecord> {
  const readsLevel = checkpoint?.signature.sigma && checkpoint.fields.timeConditioning.value;
  return {
    likelihood: 'exact',
    policy: order,
    tokensPerCall,
    blockSize,
    ties,
    threshold,
    ...(entropyBound !== null && { entropyBound }),
    ...(overOrders && { overOrders }),
    ...(psi && { psi }),
    from,
    ...(readsLevel && { sigma: 'of the share still masked' }),
  };
}

/** `max-probability, 4 per call, blocks of 32`, or `all orders: evidence`; empty for a row without a policy. */
export function policyText({
  policy,
  tokensPerCall,
  blockSize,
  ties,
  threshold,
  entropyBound,
  overOrders,
}: Partial<ProtocolRecord>): string {
  if (policy === undefined) return '';
  if (overOrders) return `all orders: ${overOrders.replace('-', ' ')}`;
  return [
    policy,
    tokensPerCall === undefined ? '' : `${tokensPerCall} per call`,
    blockSize ? `blocks of ${blockSize}` : '',
    ties === 'seeded' ? 'seeded ties' : '',
    threshold ? `all above ${threshold}` : '',
    entropyBound ? `entropy bound ${entropyBound}` : '',
  ]
    .filter(Boolean)
    .join(', ');
}
