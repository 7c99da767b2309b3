/** What is asked of a model: the items, what they get, and how it runs; its checks, and the key that a stopped run is found by. */

import { properSubsets } from '../../diffusion/subsets.js';
import type { UnmaskingOrder } from '../../diffusion/unmasking.js';
import { UsageError } from '../../errors.js';
import { type Checkpoint, decidingFields } from '../../models/checkpoint.js';
import { hasBlocks, isMasked } from '../../models/family.js';
import { checkMemory } from '../../models/memory-budget.js';
import type { Placement, Provider } from '../../models/provider.js';
import type { CacheKey } from '../../storage/cache-entry.js';
import { digestOf } from '../generation/calls.js';
import type { LikelihoodItem } from './items.js';
import type { LongerMethod } from './longer-items.js';
import { unknownAtOnce } from './subset-calls.js';

export interface LikelihoodRequest {
  checkpoint: Checkpoint;
  items: readonly LikelihoodItem[];
  /** Whether likelihoods keep the table that they come from. */
  bySubset?: boolean;
  /** Tokens up to which all subsets are asked for, at most MOST_SUBSET_TOKENS of subsets.ts. */
  subsetsUpTo: number;
  /** What items of more tokens get; null: they are refused. */
  longer: LongerMethod | null;
  /** Sequences per model call; null: chosen by the size of the logits. */
  batch: number | null;
  provider: Placement;
  threads?: number;
  timeoutMs?: number;
  /** Ignores what an earlier, interrupted run finished. */
  fresh: boolean;
}

/** Likelihoods are of this version as long as the same items give the same figures. */
const VERSION = 1;

/** The scores that answers come with: those of the policy, if there is one. */
export function orderOf({ longer }: LikelihoodRequest): UnmaskingOrder {
  return longer?.kind === 'policy' ? longer.likelihood.order : 'left-to-right';
}

/** @throws UsageError, ModelError */
export function checkItems({ checkpoint, items, subsetsUpTo, longer }: LikelihoodRequest): void {
  const longest = items.reduce((most, { tokens }) => Math.max(most, tokens.length), 1);
  const read = checkpoint.signature.fixedLength ?? longest;
  checkMemory(checkpoint, { length: hasBlocks(checkpoint) ? 2 * read : read });
  if (!isMasked(checkpoint.family) || longer !== null) return;
  const blockSize = hasBlocks(checkpoint) ? checkpoint.blockSize : null;
  const index = items.findIndex((item) => unknownAtOnce(item, blockSize) > subsetsUpTo);
  if (index < 0) return;
  const count = unknownAtOnce(items[index], blockSize);
  throw new UsageError({
    code: 'too-many-subsets',
    message: `Item ${index} has ${count} unknown tokens${blockSize === null ? '' : ' in a block'}: all subsets of them are ${properSubsets(count).toLocaleString('en')} model calls. Up to ${subsetsUpTo} are exact, and have an upper bound.`,
    hint: '--longer policy gives longer ones the exact likelihood under one order, --longer exact-count a bound from draws.',
  });
}

/** Everything that decides an answer. Batch and threads do not. */
export async function likelihoodKey(
  { checkpoint, items, subsetsUpTo, longer }: LikelihoodRequest,
  provider: Provider,
): Promise<CacheKey> {
  return {
    likelihoods: VERSION,
    model: await checkpoint.sha256(),
    ...decidingFields(checkpoint),
    items: digestOf(items.map(({ tokens }) => tokens)),
    continuations: digestOf(items.map(({ first, count }) => Int32Array.of(first, count))),
    count: items.length,
    subsetsUpTo,
    longer: longer?.kind === 'policy' ? { ...longer, likelihood: { ...longer.likelihood } } : longer,
    provider,
  };
}
