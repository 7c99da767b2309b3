/**
 * Continuations of too many tokens for all subsets of them. Either under an unmasking policy: one order, the ln p of the sampler
 * that follows it, exact (DUEL, arXiv 2603.01367). Or the bound, the mean of ln p over all orders, estimated from draws of exact-count masks:
 * k uniform on 1 … n, stratified, a uniform subset M of k tokens masked, the others revealed,
 *
 *   E[(n/k)·Σ_{i∈M} ℓ(i | the others)] = bound
 */
import { sum } from '../../statistics/numbers.js';
import type { ExactLikelihood } from '../perplexity/exact-likelihood.js';
import { PolicyWalk } from '../perplexity/policy-walk.js';
import type { LikelihoodItem } from './items.js';
import { masksIn } from './subset-calls.js';
import type { TokenCall, TokenSession } from './token-session.js';

/** What is computed for items of too many tokens. */
export type LongerMethod =
  | { kind: 'policy'; likelihood: ExactLikelihood; seed: number }
  | { kind: 'exact-count'; draws: number; seed: number };

/** ln p under the policy, nats. */
export interface PolicyOutcome {
  value: number;
  /** Indices of the continuation's tokens, call by call, ascending within one. */
  order: number[];
  calls: number;
}

export interface LongerContext {
  items: readonly LikelihoodItem[];
  session: TokenSession;
  mask: number;
  /** L′ of block diffusion, whose blocks a call advances all together; else null. */
  blockSize: number | null;
  signal?: AbortSignal;
}

/** @param places of the items among all, which share batches where their lengths are equal   @param done receives each outcome */
export async function walkItems(
  places: readonly number[],
  batchOf: (length: number) => number,
  { likelihood, seed }: Extract<LongerMethod, { kind: 'policy' }>,
  { items, session, mask, blockSize, signal }: LongerContext,
  done: (index: number, outcome: PolicyOutcome) => void,
): Promise<void> {
  const waiting = [...places].sort((a, b) => items[a].tokens.length - items[b].tokens.length || a - b);
  let underWay: { index: number; item: LikelihoodItem; walk: PolicyWalk }[] = [];
  while (waiting.length + underWay.length > 0) {
    signal?.throwIfAborted();
    const length = (underWay[0]?.item ?? items[waiting[0]]).tokens.length;
    while (underWay.length < batchOf(length) && items[waiting[0]]?.tokens.length === length) {
      // the loop's condition says that one is waiting
      const index = waiting.shift()!;
      const item = items[index];
      underWay.push({
        index,
        item,
        walk: policyWalkOf(item, likelihood, { mask, blockSize, seed, sequence: index }),
      });
    }
    const calls = underWay.map(({ index, item, walk }) => callOfWalk(walk, item, mask, `item ${index}`));
    const answers = await session.ask(calls);
    for (const [i, { index, item, walk }] of underWay.entries()) {
      walk.reveal(answers[i]);
      if (walk.left > 0) continue;
      const values = walk.logProbability.subarray(item.first, item.first + item.count);
      const order = walk.order.map((position) => position - item.first);
      done(index, { value: sum(values), order, calls: walk.calls });
    }
    underWay = underWay.filter(({ walk }) => walk.left > 0);
  }
}

/** A walk over the continuation of an item. @param about `sequence`: address of the order's and the ties' random numbers */
export function policyWalkOf(
  { tokens, first, count }: LikelihoodItem,
  likelihood: ExactLikelihood,
  { blockSize, ...about }: { mask: number; blockSize: number | null; seed: number; sequence: number },
): PolicyWalk {
  const masked = Array.from({ length: count }, (_, i) => first + i);
  return new PolicyWalk(tokens, likelihood, { ...about, masked, modelBlock: blockSize ?? undefined });
}

/** What a walk asks next. Its tokens are the walk's own, which change when it goes on. */
export const callOfWalk = (
  { tokens, x, positions, targets, left }: PolicyWalk,
  item: LikelihoodItem,
  mask: number,
  label: string,
): TokenCall => ({ ...{ tokens, x, positions, targets, label }, left: left + masksIn(item, mask) });
