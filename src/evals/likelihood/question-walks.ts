/**
 * How the continuations of one question are scored, as walks: each yields the model calls that it needs next, is sent their answers,
 * and returns the scores in the end. All choices of a question walk together, so that they share the calls that show the network
 * the same tokens, and the masks, times and noise that are drawn.
 *
 *   ar        the chain rule, one call
 *   masked    `policy`    the chain rule in the order of an unmasking policy, exact: n calls for n tokens, one each (DUEL,
 *                         arXiv 2603.01367)
 *             `evidence`  ln p under a uniformly random order, exact: all subsets (diffusion/subsets.ts), to 12 tokens
 *             `bound`     the mean of ln p over all orders: by subsets where these are fewer calls than draws, else from draws
 *                         of exact-count masks
 *   duo       the bound of continuous time (arXiv 2506.10892) over the continuation alone. Context and tail are held clean at
 *             every level, the loss is summed over the positions of the continuation, and is that of the sampler that starts from
 *             uniform tokens there and keeps the rest as given: at least its −ln p, for any network. The network was trained
 *             with all tokens at one level; the level that it is told is that of the continuation.
 *
 * With one unknown token, all of a masked model's figures are one: it is asked once, exactly.
 */
import { noiseExactCount } from '../../diffusion/forward.js';
import type { DrawnIntegration } from '../../diffusion/integration.js';
import {
  likelihoodsOfBlocks,
  likelihoodsOverOrders,
  MOST_SUBSET_TOKENS,
  properSubsets,
} from '../../diffusion/subsets.js';
import { UsageError } from '../../errors.js';
import { streams } from '../../random/streams.js';
import { fillUniforms } from '../../random/uniforms.js';
import { sum } from '../../statistics/numbers.js';
import type { ExactLikelihood } from '../perplexity/exact-likelihood.js';
import type { ModelCall } from '../perplexity/loss-batch.js';
import type { Answers } from '../perplexity/policy-walk.js';
import type { LikelihoodItem } from './items.js';
import { callOfWalk, policyWalkOf } from './longer-items.js';
import { type Drawn, drawsError, flipProbability } from './margins.js';
import { type BlockLikelihoods, chunksOf, masksIn, partsOf, unknownAtOnce } from './subset-calls.js';
import type { TokenCall } from './token-session.js';

/** Which of a masked model's likelihoods is computed; ar and duo have one each. */
export type ScoringMethod = 'policy' | 'evidence' | 'bound';

export interface WalkSettings {
  method: ScoringMethod;
  /** The policy of method `policy`. */
  likelihood: ExactLikelihood;
  /** Draws per continuation where it is drawn: all of them, or with `until` the most. */
  draws: number;
  /** Draws go on until the chance that more of them would change the question's pick is at most this; null: all draws. */
  until: number | null;
  seed: number;
}

/** A continuation, scored. */
export interface ContinuationScore extends Drawn {
  /** Whether each token was the most probable one when it was scored; null where tokens do not come one by one. */
  isGreedy: boolean | null;
  /** `chain-rule`: autoregressive. The others as {@link ScoringMethod}. */
  method: ScoringMethod | 'chain-rule';
  /** Model calls that it needs alone; a question's choices may share them. */
  calls: number;
  /** Tokens of the continuation. */
  tokens: number;
  /** Tokens that were cut from the beginning of its context, since the item was longer than the model. */
  cut: number;
}

/** What every score says of its item. */
export const sizeOf = ({ count, cut = 0 }: LikelihoodItem) => ({ tokens: count, cut });

/** The choices of one question. */
export interface Question {
  items: readonly LikelihoodItem[];
  /** Address of its random numbers: the same for all choices. */
  address: number;
  /** What names it in errors. */
  label: string;
}

/** @typeParam Call what is asked   @typeParam Answer what comes back for each */
export type Walk<Call, Answer> = Generator<Call[], ContinuationScore[], Answer[]>;

export const EXACT = { error: 0, draws: null } as const;

/** What a walk of a masked model knows of the model. */
export interface MaskedModel {
  mask: number;
  /** L′ of block diffusion; else null. */
  blockSize: number | null;
}

/** @throws UsageError `too-many-subsets` where every order is asked of too many tokens */
export function* maskedWalk(
  question: Question,
  model: MaskedModel,
  settings: WalkSettings,
): Walk<TokenCall, Answers> {
  const { items } = question;
  const ways = items.map((item) => wayOf(item, model, settings, question.label));
  const scores = new Array<ContinuationScore>(items.length);
  const among = (way: Way) => [...items.keys()].filter((i) => ways[i] === way);
  const walks = [
    policyWalk(question, among('policy'), model, settings),
    subsetsWalk(question, among('subsets'), model, settings),
    drawnWalk(question, among('draws'), settings, scores, drawnMasks(question, model, settings)),
  ];
  for (const walk of walks) for (const [i, score] of yield* walk) scores[i] = score;
  return scores;
}

type Way = 'policy' | 'subsets' | 'draws';

function wayOf(
  item: LikelihoodItem,
  { blockSize }: MaskedModel,
  { method, draws }: WalkSettings,
  label: string,
): Way {
  if (method === 'policy' || item.count === 1) return 'policy';
  const unknown = unknownAtOnce(item, blockSize);
  if (method === 'bound') {
    const calls = sum(partsOf(0, item, blockSize).map((part) => properSubsets(part.item.count)));
    return unknown <= MOST_SUBSET_TOKENS && calls <= draws ? 'subsets' : 'draws';
  }
  if (unknown <= MOST_SUBSET_TOKENS) return 'subsets';
  throw new UsageError({
    code: 'too-many-subsets',
    message: `${label} has a continuation of ${item.count} tokens: every order can be taken into account up to ${MOST_SUBSET_TOKENS}.`,
    hint: '--likelihood policy is exact under one order at any length, --likelihood bound is a bound.',
  });
}

/** Walks of some of a question's items: the scores by index. */
type PartialWalk<Call, Answer> = Generator<Call[], (readonly [number, ContinuationScore])[], Answer[]>;

function* policyWalk(
  { items, address, label }: Question,
  chosen: readonly number[],
  { mask, blockSize }: MaskedModel,
  { likelihood, seed }: WalkSettings,
): PartialWalk<TokenCall, Answers> {
  const about = { mask, blockSize, seed, sequence: address };
  const walks = chosen.map((i) => policyWalkOf(items[i], likelihood, about));
  for (let underWay = walks; ; ) {
    underWay = underWay.filter(({ left }) => left > 0);
    if (underWay.length === 0) break;
    const answers = yield underWay.map((walk): TokenCall => {
      const item = items[chosen[walks.indexOf(walk)]];
      return { ...callOfWalk(walk, item, mask, label), tokens: walk.tokens.slice() };
    });
    for (const [i, walk] of underWay.entries()) walk.reveal(answers[i]);
  }
  return chosen.map((i, w) => {
    const { first, count } = items[i];
    const { logProbability, isGreedy, calls } = walks[w];
    const logLikelihood = sum(Array.from(logProbability.subarray(first, first + count)));
    return [i, { ...EXACT, logLikelihood, isGreedy, method: 'policy', calls, ...sizeOf(items[i]) }];
  });
}

function* subsetsWalk(
  { items, label }: Question,
  chosen: readonly number[],
  { mask, blockSize }: MaskedModel,
  { method }: WalkSettings,
): PartialWalk<TokenCall, Answers> {
  const blocks = new Map<number, BlockLikelihoods[]>(chosen.map((i) => [i, []]));
  for (const chunk of chunksOf(
    chosen.flatMap((i) => partsOf(i, items[i], blockSize)),
    mask,
  )) {
    const calls = [...chunk.calls()];
    const answers = yield calls.map((call) => ({ ...call, label }));
    for (const [c, { places }] of calls.entries())
      for (const [i, { table, at }] of places.entries()) table[at] = answers[c].logProbability[i];
    for (const { index, item, table } of chunk.tables) {
      const before = item.first - items[index].first;
      // every chosen item has its list
      blocks.get(index)!.push({ ...likelihoodsOverOrders(table, item.count), before, count: item.count });
    }
  }
  return chosen.map((i) => {
    // every chosen item has its list
    const known = blocks.get(i)!;
    const { evidence, bound } = likelihoodsOfBlocks(known);
    const calls = sum(known.map(({ count }) => properSubsets(count)));
    const logLikelihood = method === 'evidence' ? evidence : bound;
    return [i, { ...EXACT, logLikelihood, isGreedy: null, method, calls, ...sizeOf(items[i]) }];
  });
}

/** How an item is drawn. */
interface Drawing<Call, Answer> {
  /** @param u in [0, 1): the point of the stratified integral   @param draw address of the noise */
  call(item: LikelihoodItem, u: number, draw: number): Call;
  /** An unbiased estimate of ln p, or of its bound, nats. */
  value(item: LikelihoodItem, answer: Answer): number;
}

/** Draws before the first look at the picks; each round doubles what there is. */
const FIRST_ROUND = 16;

/**
 * Rounds of stratified draws, two in each stratum, until the pick is settled.
 * @param known scores of the question's other choices, which are exact
 */
function* drawnWalk<Call, Answer>(
  { items, address }: Question,
  chosen: readonly number[],
  { draws: most, until, seed }: Pick<WalkSettings, 'draws' | 'until' | 'seed'>,
  known: readonly (ContinuationScore | undefined)[],
  drawing: Drawing<Call, Answer>,
): PartialWalk<Call, Answer> {
  const values = chosen.map(() => [] as number[]);
  const scores = () =>
    chosen.map((i, c): readonly [number, ContinuationScore] => {
      const draws = Float64Array.from(values[c]);
      return [
        i,
        {
          ...{ logLikelihood: sum(draws) / draws.length, error: drawsError(draws), draws },
          ...{ isGreedy: null, method: 'bound', calls: draws.length, ...sizeOf(items[i]) },
        },
      ];
    });
  if (chosen.length === 0) return [];
  const whole = 2 * Math.ceil(most / 2);
  const jitter = new Float64Array(1);
  for (let done = 0; done < whole; ) {
    const size = until === null ? whole : Math.min(whole - done, Math.max(FIRST_ROUND, done));
    const strata = size / 2;
    const points = Array.from({ length: size }, (_, j) => {
      fillUniforms(jitter, { seed, stream: streams.timeJitter, sequence: address, step: done + j });
      return (Math.floor(j / 2) + jitter[0]) / strata;
    });
    const answers = yield chosen.flatMap((i) => points.map((u, j) => drawing.call(items[i], u, done + j)));
    for (const [c, i] of chosen.entries())
      for (let j = 0; j < size; j++) values[c].push(drawing.value(items[i], answers[c * size + j]));
    done += size;
    if (until === null || items.length < 2) continue;
    const all = [...known];
    for (const [i, score] of scores()) all[i] = score;
    // what is drawn comes last: by now every choice has a score
    if (flipProbability(all as ContinuationScore[]) <= until) break;
  }
  return scores();
}

/** Exact-count masks: k uniform on 1 … n, a uniform subset M of k tokens masked: E[(n/k)·Σ_{i∈M} ℓ(i | the others)] = bound. */
function drawnMasks(
  { address, label }: Pick<Question, 'address' | 'label'>,
  { mask }: Pick<MaskedModel, 'mask'>,
  { seed }: Pick<WalkSettings, 'seed'>,
): Drawing<TokenCall, Answers> {
  return {
    call(item, u, draw) {
      const { tokens, first, count } = item;
      const uniforms = new Float64Array(count);
      fillUniforms(uniforms, { seed, stream: streams.forwardComponent, sequence: address, step: draw });
      const masked = Math.min(count, 1 + Math.floor(count * u));
      const shown = tokens.slice();
      const within = (all: Int32Array) => all.subarray(first, first + count);
      noiseExactCount(within(shown), within(tokens), masked, mask, uniforms);
      const positions = Array.from({ length: count }, (_, i) => first + i).filter((l) => shown[l] === mask);
      return {
        ...{ tokens: shown, x: tokens, positions, targets: positions.map((position) => tokens[position]) },
        ...{ left: masked + masksIn(item, mask), label },
      };
    },
    value: ({ count }, { logProbability }) =>
      (count / logProbability.length) * sum(Array.from(logProbability)),
  };
}

/** The bound of one item, from draws of exact-count masks, all of them. */
export function* drawnBoundWalk(
  question: Question,
  { mask, draws, seed }: { mask: number; draws: number; seed: number },
): Walk<TokenCall, Answers> {
  const drawing = drawnMasks(question, { mask }, { seed });
  const scores = yield* drawnWalk(question, [0], { draws, until: null, seed }, [], drawing);
  return scores.map(([, score]) => score);
}

/** @param integration of the bound of continuous time; a call's answer is its loss over the continuation, nats */
export function* uniformWalk(
  question: Question,
  integration: DrawnIntegration,
  settings: WalkSettings,
): Walk<ModelCall, number> {
  const { items, address } = question;
  const drawing: Drawing<ModelCall, number> = {
    call: ({ tokens, first, count }, u, draw) => ({
      ...{ sequence: address, draw, x: tokens, unknown: { first, count } },
      level: integration.at(u, count),
    }),
    value: (_, nats) => -nats,
  };
  const every = [...items.keys()];
  const scores = yield* drawnWalk(question, every, settings, [], drawing);
  return scores.map(([, score]) => score);
}
