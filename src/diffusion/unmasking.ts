/**
 * Orders in which masked positions are revealed: a policy ranks the masked positions by the model's distributions there, never
 * by the true tokens, and each call reveals some of the best. Sampling (samplers/unmask.ts) and the exact likelihood of what
 * it samples (DUEL, arXiv 2603.01367) follow the same policy, through the functions of this file.
 */
import { BinaryHeap } from '../binary-heap.js';
import type { NoiseSchedule } from './schedule.js';

/**
 * What positions are ranked by, best first.
 *
 * left-to-right     the position
 * max-probability   p₁, the largest probability of the distribution there
 * margin            p₁ − p₂
 * log-margin        ln p₁ − ln p₂: another order than that of `margin`
 * entropy           −H, H = −Σ p ln p
 * random            a uniform number: each order of the positions is as probable as any other
 */
export const UNMASKING_ORDERS = [
  'left-to-right',
  'max-probability',
  'margin',
  'log-margin',
  'entropy',
  'random',
] as const;

export type UnmaskingOrder = (typeof UNMASKING_ORDERS)[number];

/** Which of several equal positions is revealed: the lowest, or one drawn with the seed. */
export const TIE_RULES = ['lowest', 'seeded'] as const;
export type TieRule = (typeof TIE_RULES)[number];

/** What an exact likelihood begins with: BOS given, and not scored, or nothing. */
export const STARTS = ['bos', 'all-masked'] as const;
export type Start = (typeof STARTS)[number];

export interface UnmaskingPolicy {
  order: UnmaskingOrder;
  /** k: positions that a call reveals in each sequence, ≥ 1; the last call of a block may reveal fewer. */
  tokensPerCall: number;
  /** Positions per block: only the leftmost block with a mask is worked on. Null: the sequence is one block. */
  blockSize: number | null;
  ties: TieRule;
  /** Reveals every position whose score is above this, but at least `tokensPerCall`. Null: none beyond those. */
  threshold: number | null;
  /**
   * γ in nats, for `entropy` alone: reveals the largest set of first positions whose entropies, the largest of them left out,
   * add up to at most this, but at least `tokensPerCall` (EB-Sampler, arXiv 2505.24857). Null, or absent: none beyond those.
   */
  entropyBound?: number | null;
}

/** Orders whose scores come from the model's distributions. */
export type ScoredOrder = Exclude<UnmaskingOrder, 'left-to-right' | 'random'>;

export function isScored(order: UnmaskingOrder): order is ScoredOrder {
  return order !== 'left-to-right' && order !== 'random';
}

/** Orders whose scores are not negative, the higher the surer: those that a threshold can be put on. */
function takesThreshold(order: UnmaskingOrder): boolean {
  return isScored(order) && order !== 'entropy';
}

/** Why a policy cannot be followed: a sentence, the setting to change, and what it may be. */
export interface PolicyProblem {
  message: string;
  setting: 'order' | 'tokensPerCall' | 'blockSize';
  takes: string;
}

/**
 * Why a policy contradicts itself, or the text, or null.
 * @param length tokens of the text, where it is known
 * @param ofModel L′ of a model of block diffusion, which works inside its own blocks
 */
export function policyProblem(
  {
    order,
    tokensPerCall,
    blockSize,
    threshold,
    entropyBound = null,
  }: Pick<UnmaskingPolicy, 'order' | 'tokensPerCall' | 'blockSize' | 'threshold' | 'entropyBound'>,
  { length = null, ofModel = null }: { length?: number | null; ofModel?: number | null } = {},
): PolicyProblem | null {
  const problem = (setting: PolicyProblem['setting'], message: string, takes: string): PolicyProblem => ({
    ...{ message, setting, takes },
  });
  if (!Number.isInteger(tokensPerCall) || tokensPerCall < 1)
    return problem('tokensPerCall', `A call reveals a whole number of tokens, not ${tokensPerCall}.`, '1');
  if (blockSize !== null && !(Number.isInteger(blockSize) && blockSize > 0))
    return problem('blockSize', `A block has a whole number of positions, not ${blockSize}.`, '1');
  if (threshold !== null && !takesThreshold(order))
    return problem(
      'order',
      `The order ${order} has no score that a threshold could be compared with: of these, more is better, from 0 on.`,
      'max-probability, margin or log-margin',
    );
  if (entropyBound !== null && order !== 'entropy')
    return problem('order', `An entropy bound needs the order entropy, not ${order}.`, 'entropy');
  const most = ofModel ?? length;
  if (most === null) return null;
  const whose = ofModel === null ? `A text has ${most} tokens` : `A block of the model has ${most} tokens`;
  if (tokensPerCall > most)
    return problem(
      'tokensPerCall',
      `${whose}, so a call cannot reveal ${tokensPerCall}.`,
      `${most}, or fewer`,
    );
  if (blockSize !== null && most % blockSize !== 0)
    return problem(
      'blockSize',
      `${whose}, which blocks of ${blockSize} do not divide.`,
      String(closestDivisor(most, blockSize)),
    );
  return null;
}

/** The divisor of a length that is closest to what was asked for. */
function closestDivisor(length: number, size: number): number {
  const divisors = Array.from({ length }, (_, i) => i + 1).filter((one) => length % one === 0);
  return divisors.reduce((best, one) => (Math.abs(one - size) < Math.abs(best - size) ? one : best));
}

/**
 * Scores this close to the best one are equal: with everything masked, all positions have one distribution up to rounding, which
 * would otherwise choose the order.
 */
const TIE_TOLERANCE = 1e-5;

/**
 * The masked positions that a policy may reveal next: those of the leftmost block that has any.
 * @param masked ascending positions, counted from the start of the sequence
 */
export function positionsInTurn(masked: readonly number[], blockSize: number | null): readonly number[] {
  if (blockSize === null || masked.length === 0) return masked;
  const end = (Math.floor(masked[0] / blockSize) + 1) * blockSize;
  const beyond = masked.findIndex((position) => position >= end);
  return beyond < 0 ? masked : masked.slice(0, beyond);
}

/**
 * The time that a network with time conditioning reads: that at which as large a share of tokens is masked as still is.
 * @param share of the sequence's positions, in (0, 1]
 */
export function timeOfShare(schedule: NoiseSchedule, share: number): number {
  return Math.min(1, schedule.timeAt(1 - share, share));
}

/** What is known of the positions in turn, one number for each. */
export interface Ranking {
  /** Scores by the policy's order; not read for `left-to-right` and `random`. */
  scores: ArrayLike<number>;
  /**
   * Uniform numbers of [0, 1), one for each position of the text and the same in each of its calls, for `random` and seeded
   * ties; else not read.
   */
  uniforms: ArrayLike<number>;
}

/**
 * The positions that a call reveals. Picks are made one after the other: of the positions whose score is within
 * {@link TIE_TOLERANCE} of the best that is left, the lowest (or the one with the smallest uniform number), as the tie rule says.
 * @param inTurn ascending, from {@link positionsInTurn}; `scores` and `uniforms` are in the same order
 * @returns indices into `inTurn`, ascending; at least one unless `inTurn` is empty
 */
export function pickPositions(
  inTurn: readonly number[],
  { scores, uniforms }: Ranking,
  { order, tokensPerCall, ties, threshold, entropyBound = null }: UnmaskingPolicy,
): number[] {
  const indices = inTurn.map((_, i) => i);
  if (order === 'left-to-right') return indices.slice(0, tokensPerCall);
  if (order === 'random') {
    const shuffled = indices.sort((i, j) => uniforms[i] - uniforms[j] || i - j);
    return shuffled.slice(0, tokensPerCall).sort((i, j) => i - j);
  }
  const ranked = indices.sort((i, j) => scores[j] - scores[i] || i - j);
  const picked = new Uint8Array(ranked.length);
  const keyOf = (rank: number): number => (ties === 'lowest' ? ranked[rank] : uniforms[ranked[rank]]);
  // Ties are a run at the head of what is left, whose end only moves on: each rank enters once.
  const tied = new BinaryHeap<number>((a, b) => keyOf(a) < keyOf(b) || (keyOf(a) === keyOf(b) && a < b));
  let [best, entered, count] = [0, 0, 0];
  /** Of the picked positions, nats: the sum of the entropies, and the largest. */
  let [sum, largest] = [0, 0];
  const isWithinBound = (entropy: number): boolean =>
    entropyBound !== null && sum + entropy - Math.max(largest, entropy) <= entropyBound;
  for (; count < ranked.length; count++) {
    while (picked[best] === 1) best++;
    const least = scores[ranked[best]] - TIE_TOLERANCE;
    while (entered < ranked.length && !(scores[ranked[entered]] < least)) tied.push(entered++);
    // the best one is tied with itself
    const rank = tied.pop()!;
    const entropy = -scores[ranked[rank]];
    if (count >= tokensPerCall && !isWithinBound(entropy)) break;
    picked[rank] = 1;
    sum += entropy;
    largest = Math.max(largest, entropy);
  }
  return ranked
    .filter((i, rank) => picked[rank] === 1 || (threshold !== null && scores[i] > threshold))
    .sort((i, j) => i - j);
}
