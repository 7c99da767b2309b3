/**
 * How sure a pick among drawn scores is. Scores of one question are drawn with the same noise, so the luck that two choices share
 * drops out of their difference: the error of a margin is paired, and smaller than those of the two scores together.
 */
import { sum } from '../../statistics/numbers.js';
import { studentUpperTail } from '../../statistics/student.js';

/** A score that may have been drawn. */
export interface Drawn {
  /** ln p of the continuation, nats; where it is drawn, an unbiased estimate of a bound. */
  logLikelihood: number;
  /** Monte Carlo standard error of it, nats; 0: exact. */
  error: number;
  /** The estimate of each draw, two in each stratum, the same noise for each choice of a question; null where exact. */
  draws: Float64Array | null;
}

/**
 * Standard error of the mean of stratified draws, two in each stratum: half of their squared difference is the variance within it.
 * @param draws [2 × strata], those of a stratum side by side
 */
export function drawsError(draws: ArrayLike<number>): number {
  let squares = 0;
  for (let g = 0; g + 1 < draws.length; g += 2) squares += (draws[g] - draws[g + 1]) ** 2;
  return Math.sqrt(squares) / draws.length;
}

/** By how much one score is above another, nats, and the standard error of that over draws; 0 where both are exact. */
export interface Margin {
  value: number;
  error: number;
  /** Of the error. Infinite where it is 0. */
  degreesOfFreedom: number;
}

/** Paired draw by draw; where only one of the two is drawn, its error is that of the margin. */
export function marginOf(a: Drawn, b: Drawn): Margin {
  const value = a.logLikelihood - b.logLikelihood;
  const [drawsOfA, drawsOfB] = [a.draws, b.draws];
  const strata = Math.min(drawsOfA?.length ?? 2 ** 53, drawsOfB?.length ?? 2 ** 53) / 2;
  if (drawsOfA === null || drawsOfB === null || drawsOfA.length !== drawsOfB.length)
    return { value, error: Math.hypot(a.error, b.error), degreesOfFreedom: strata };
  const differences = drawsOfA.map((draw, j) => draw - drawsOfB[j]);
  return { value, error: drawsError(differences), degreesOfFreedom: strata };
}

/** Index of the highest score; of equal ones the first, as in lm-evaluation-harness. */
export function bestOf(values: readonly number[]): number {
  return values.reduce((best, value, i) => (value > values[best] ? i : best), 0);
}

/**
 * The chance that infinitely many draws would pick another choice than these: over the other choices, the sum of the tails of
 * Student's t beyond their margins, at most 1. Where nothing is drawn, 0.
 */
export function flipProbability(scores: readonly Drawn[]): number {
  const best = scores[bestOf(scores.map(({ logLikelihood }) => logLikelihood))];
  const chances = scores
    .filter((score) => score !== best)
    .map((score) => {
      const { value, error, degreesOfFreedom } = marginOf(best, score);
      return error === 0 ? 0 : studentUpperTail(value / error, Math.max(1, Math.floor(degreesOfFreedom)));
    });
  return Math.min(1, sum(chances));
}
