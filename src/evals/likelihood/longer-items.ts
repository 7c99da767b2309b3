/**
 * Continuations of too many tokens for all subsets of them. Either under an unmasking policy: one order, the ln p of the sampler
 * that follows it, exact (DUEL, arXiv 2603.01367). Or the bound, the mean of ln p over all orders, estimated from draws of exact-count masks:
 * k uniform on 1 … n, stratified, a uniform subset M of k tokens masked, the others revealed,
 *
 *   E[(n/k)·Σ_{i∈M} ℓ(i | the others)] = bound
 */
import { noiseExactCount } from '../../diffusion/forward.js';
import { streams } from '../../random/streams.js';
import { fillUniforms } from '../../random/uniforms.js';
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

/** The bound as the mean of draws, and its standard error over draws, nats. */
export interface DrawnBound {
  value: number;
  stderr: number;
  /** Two in each stratum. */
  draws: number;
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

/**
 * The call of one draw of an exact-count mask.
 * @param u in [0, 1): the number of masks   @param uniforms at least one for each token of the continuation: which they are
 */
export function exactCountCall(
  item: LikelihoodItem,
  u: number,
  uniforms: Float64Array,
  { mask, label }: { mask: number; label: string },
): TokenCall {
  const { tokens, first, count } = item;
  const masked = Math.min(count, 1 + Math.floor(count * u));
  const shown = tokens.slice();
  const within = (all: Int32Array) => all.subarray(first, first + count);
  noiseExactCount(within(shown), within(tokens), masked, mask, uniforms);
  const positions = Array.from({ length: count }, (_, i) => first + i).filter((l) => shown[l] === mask);
  return {
    ...{ tokens: shown, x: tokens, positions, targets: positions.map((position) => tokens[position]) },
    ...{ left: masked + masksIn(item, mask), label },
  };
}

/** The bound by one draw, nats: (n/k)·Σ_{i∈M} ℓ(i | the others). */
export const exactCountValue = ({ count }: LikelihoodItem, logProbability: ArrayLike<number>): number =>
  (count / logProbability.length) * sum(Array.from(logProbability));

/** Draws two masks in each stratum of k: half of their squared difference is the variance within it. */
export async function drawBound(
  index: number,
  batch: number,
  { draws, seed }: Extract<LongerMethod, { kind: 'exact-count' }>,
  { items, session, mask, signal }: LongerContext,
): Promise<DrawnBound> {
  const item = items[index];
  const { count } = item;
  const strata = Math.ceil(draws / 2);
  const uniforms = new Float64Array(count + 1);
  const values: number[] = [];
  const callOf = (draw: number): TokenCall => {
    fillUniforms(uniforms, { seed, stream: streams.forwardComponent, sequence: index, step: draw });
    const u = (Math.floor(draw / 2) + uniforms[count]) / strata;
    return exactCountCall(item, u, uniforms, { mask, label: `item ${index}` });
  };
  while (values.length < 2 * strata) {
    signal?.throwIfAborted();
    const size = Math.min(batch, 2 * strata - values.length);
    const answers = await session.ask(Array.from({ length: size }, (_, i) => callOf(values.length + i)));
    for (const { logProbability } of answers) values.push(exactCountValue(item, logProbability));
  }
  const differences = Array.from({ length: strata }, (_, g) => values[2 * g] - values[2 * g + 1]);
  return {
    value: sum(values) / values.length,
    stderr: Math.sqrt(sum(differences.map((difference) => difference ** 2))) / values.length,
    draws: values.length,
  };
}
