/**
 * Lists of letters that a model copies, changes or shuffles, where many answers are right. A call of a masked model draws several
 * tokens that do not know of one another, so even an ideal model is not always right: how often it is has a closed form, the
 * ceiling of the task. It falls as a call reveals more, and is 1 with one token a call.
 */
import { CLEAN, unmaskProbability } from '../../diffusion/posterior.js';
import type { NoiseSchedule } from '../../diffusion/schedule.js';
import { streams } from '../../random/streams.js';
import { fillUniforms } from '../../random/uniforms.js';
import { levelAt, linearTimes } from '../../samplers/time-grid.js';

export interface ListsAsked {
  count: number;
  /** Letters of each list, all different; at most 25. */
  length: number;
  seed: number;
}

/** From the seed alone. */
export function listDocuments({ count, length, seed }: ListsAsked): Record<string, string>[] {
  const uniforms = new Float64Array(2 * LETTERS.length + 1);
  return Array.from({ length: count }, (_, i) => {
    fillUniforms(uniforms, { seed, stream: streams.sourceToken, sequence: i, step: 0 });
    const all = shuffled([...LETTERS], uniforms);
    const [letters, letter] = [all.slice(0, length), all[length]];
    const other = letters.slice();
    other[Math.floor(length * uniforms[2 * LETTERS.length])] = letter;
    const list = letters.join(' ');
    return {
      ...{ list, letter, input: `${list} > ${letter}` },
      replaced: other.join(' '),
      shuffled: shuffled(letters, uniforms.subarray(LETTERS.length)).join(' '),
    };
  });
}

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** Fisher and Yates. */
function shuffled(letters: readonly string[], uniforms: Float64Array): string[] {
  const all = [...letters];
  for (let i = all.length - 1; i > 0; i--) {
    const j = Math.floor((i + 1) * uniforms[i]);
    [all[i], all[j]] = [all[j], all[i]];
  }
  return all;
}

/** What is done to a list. */
export type ListTask = 'replace' | 'shuffle';

/** @param puzzle `A B C > X`   @returns whether one letter of the list, any of them, became X, or the letters stand in any order */
export function solvesList(kind: ListTask, puzzle: string, answer: string): boolean {
  const [letters, [letter]] = puzzle.split('>').map((part) => part.trim().split(/\s+/));
  const found = answer.trim().split(/\s+/);
  if (found.length !== letters.length) return false;
  if (kind === 'shuffle') return [...found].sort().join() === [...letters].sort().join();
  const changed = found.filter((one, i) => one !== letters[i]);
  return changed.length === 1 && changed[0] === letter;
}

/** How many of `left` masks a step reveals: a share of its own for each number from 0 to `left`. */
export type Reveals = (left: number) => readonly number[];

/** So many a step, by a rank that does not look at the drawn tokens. */
export const revealsOfPolicy = (perCall: number): Reveals[] => [
  (left) => atMost(left, (k) => Number(k === Math.min(perCall, left))),
];

/** Those of ancestral sampling: each mask on its own, and in the last call all that are left. */
export function revealsOfAncestral(schedule: NoiseSchedule, steps: number): Reveals[] {
  const times = linearTimes(steps);
  return Array.from(times, (t, i): Reveals => {
    const s = i === steps ? CLEAN : levelAt(schedule, times[i + 1]);
    const each = i === steps ? 1 : unmaskProbability(levelAt(schedule, t), s, 1);
    return (left) => atMost(left, (k) => binomial(left, k, each));
  });
}

const atMost = (left: number, share: (k: number) => number): number[] =>
  Array.from({ length: left + 1 }, (_, k) => share(k));

function binomial(n: number, k: number, p: number): number {
  let choices = 1;
  for (let i = 1; i <= k; i++) choices *= (n - k + i) / i;
  return choices * p ** k * (1 - p) ** (n - k);
}

/**
 * How often an ideal model is right: one that draws each token of a call from its exact distribution given what is revealed.
 *
 * shuffle  with m letters left, k positions of a call draw each of the m with equal chance: they differ with m!/((m−k)!·mᵏ)
 * replace  with m positions left and nothing replaced yet, each is replaced with chance 1/m; none of k with (1−1/m)ᵏ, and one with
 *          k/m·(1−1/m)ᵏ⁻¹, after which the rest is copied
 *
 * @param length letters, one token each   @param steps what each step reveals; the last one goes on until nothing is left
 */
export function listCeiling(kind: ListTask, length: number, steps: readonly Reveals[]): number {
  const known = new Map<string, number>();
  const right = (left: number, step: number): number => {
    if (left === 0) return Number(kind === 'shuffle');
    const key = `${left} ${step}`;
    const found = known.get(key);
    if (found !== undefined) return found;
    const shares = steps[step](left);
    const next = Math.min(step + 1, steps.length - 1);
    let total = 0;
    for (const [k, share] of shares.entries()) {
      if (share === 0) continue;
      if (kind === 'shuffle') total += share * allDiffer(k, left) * right(left - k, next);
      else {
        const one = k === 0 ? 0 : (k / left) * (1 - 1 / left) ** (k - 1);
        const none = (1 - 1 / left) ** k;
        total += share * (one + (none === 0 ? 0 : none * right(left - k, next)));
      }
    }
    known.set(key, total);
    return total;
  };
  return right(length, 0);
}

function allDiffer(k: number, among: number): number {
  let chance = 1;
  for (let i = 0; i < k; i++) chance *= (among - i) / among;
  return chance;
}
