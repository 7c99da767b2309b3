/**
 * The ratio of two speeds, from rounds that time both one right after the other, in alternating order (A B, B A, …). Whatever
 * slows the machine for a while slows both runs of a round, and each suffers equally often from running second.
 */
import { DomainError } from '../errors.js';
import { studentQuantile95 } from './student.js';

/** One round: tokens per second of each. */
export interface TimedPair {
  /** Which of the two was timed first. */
  first: 'own' | 'other';
  own: number;
  other: number;
}

export interface RatioFigure {
  value: number;
  /** 95% interval; null with fewer than 3 rounds. */
  ci95: [number, number] | null;
}

/**
 * The two-period cross-over design (Jones and Kenward, Design and Analysis of Cross-Over Trials, ch. 2) on logarithms:
 * ln(own/other) of a round is the logarithm of the ratio, plus or minus the effect of the order, plus noise. The estimate is
 * the mean of the means of both orders; its interval is Student's t with n − 2 degrees of freedom.
 * @throws DomainError without rounds, or for a speed that is not above 0
 */
export function interleavedRatio(pairs: readonly TimedPair[]): RatioFigure {
  const bad = pairs.find(
    ({ own, other }) => !(own > 0 && other > 0 && own / other < Number.POSITIVE_INFINITY),
  );
  if (bad || pairs.length === 0) {
    throw new DomainError({
      code: 'no-ratio',
      message: bad
        ? `${bad.own} over ${bad.other} is no ratio of speeds.`
        : 'There is no ratio of no rounds.',
    });
  }
  const orders = (['own', 'other'] as const)
    .map((first) => pairs.filter((pair) => pair.first === first))
    .map((group) => group.map(({ own, other }) => Math.log(own / other)))
    .filter((group) => group.length > 0);
  const means = orders.map((group) => group.reduce((sum, one) => sum + one, 0) / group.length);
  const estimate = means.reduce((sum, one) => sum + one, 0) / means.length;
  const value = Math.exp(estimate);
  const degrees = pairs.length - 2;
  if (orders.length < 2 || degrees < 1) return { value, ci95: null };
  let squares = 0;
  for (const [i, group] of orders.entries()) for (const one of group) squares += (one - means[i]) ** 2;
  const spread = orders.reduce((sum, group) => sum + 1 / group.length, 0) / 4;
  const margin = studentQuantile95(degrees) * Math.sqrt((squares / degrees) * spread);
  return { value, ci95: [Math.exp(estimate - margin), Math.exp(estimate + margin)] };
}

/** Which one is timed first in a round, counted from 0: A B, B A, A B, … */
export function firstInRound(round: number): TimedPair['first'] {
  return round % 2 === 0 ? 'own' : 'other';
}
