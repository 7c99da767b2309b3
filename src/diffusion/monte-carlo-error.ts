/**
 * The Monte Carlo error of a data set's total loss: how it would vary on the same text with other draws of the times and of z.
 * It follows the design of times.ts: G groups of sequences, each with up to 4 independent replicates that all estimate the
 * group's loss. With y_ij the nats of sequence i in draw j,
 *
 *   S_gr = Σ_{i in g} (mean of y_ij over the d_r draws of replicate r)      S_g = Σ_r (d_r/d)·S_gr
 *
 * 2 or more draws (R = min(d, 4) replicates; R = d for 2 ≤ d < 4)
 *   V = Σ_g Σ_r d_r·(S_gr − S_g)² / ((R−1)·d),     G·(R−1) degrees of freedom
 *   Unbiased when d ≤ 4 or d is a multiple of 4, since then all replicates have the same number of draws. Otherwise it would be
 *   unbiased if a replicate's variance were proportional to 1/d_r; stratification makes it smaller, so V errs upwards.
 *
 * 1 draw
 *   One draw per sequence cannot separate the variance of the draw from the difference between texts. In a group ordered by u,
 *   with y_(1) … y_(m) in that order, second differences cancel what neighbours have in common:
 *   V = Σ_g { Σ_k (y_(k−1) − 2y_(k) + y_(k+1))²/6 + (5/6)·[(y_(2) − y_(1))² + (y_(m) − y_(m−1))²] }
 *   The terms at the ends give the first sequence, which carries the heavy tail, and the last one the same weight as the others.
 *   The expectation is the Monte Carlo variance plus that of the text: an upper bound, and reported as one.
 *
 * The standard error of the nll is √V / (scored tokens). Groups give V enough degrees of freedom to be useful: 4 randomisations
 * of the whole data set would have 3, and an error of 40%.
 */
import { DomainError } from '../errors.js';
import { replicates, type TimePlan } from './times.js';

export interface MonteCarloError {
  /** Variance of Σ_i (mean over draws of y_ij), nats². */
  variance: number;
  degreesOfFreedom: number;
  /** `estimate`, or at one draw `upper-bound`. */
  kind: 'estimate' | 'upper-bound';
}

/** Takes the losses as they come, draw by draw, and keeps only sums per group. */
export class MonteCarloSums {
  /** [group][replicate]: Σ_i Σ_{j in r} y_ij */
  private readonly totals: Float64Array[];

  /** @param plan the times that are used */
  constructor(private readonly plan: TimePlan) {
    this.totals = Array.from({ length: plan.groups }, () => new Float64Array(replicates));
  }

  /** @param nats y_ij: the loss of sequence i in draw j, summed over its tokens, weights included */
  add(sequence: number, draw: number, nats: number): void {
    this.totals[sequence % this.plan.groups][draw % replicates] += nats;
  }

  /** @param draws how many draws were added of every sequence, at most plan.draws
   *  @param firstDraw y_i0, called only if there is one draw
   *  @returns null when one sequence and one draw leave nothing to compare
   *  @throws DomainError when draws is not in [1, plan.draws] */
  error(draws: number, firstDraw: (sequence: number) => number): MonteCarloError | null {
    if (!Number.isInteger(draws) || draws < 1 || draws > this.plan.draws) {
      throw new DomainError({
        code: 'monte-carlo-draws',
        message: `The Monte Carlo error needs between 1 and ${this.plan.draws} draws, not ${draws}.`,
      });
    }
    return draws === 1 ? fromNeighbours(this.plan, firstDraw) : fromReplicates(this.totals, draws);
  }
}

function fromReplicates(totals: readonly Float64Array[], draws: number): MonteCarloError {
  const R = Math.min(draws, replicates);
  let variance = 0;
  for (const total of totals) {
    const mean = total.reduce((sum, y) => sum + y, 0) / draws;
    for (let r = 0; r < R; r++) {
      const drawsOf = Math.ceil((draws - r) / replicates);
      variance += (drawsOf * (total[r] / drawsOf - mean) ** 2) / ((R - 1) * draws);
    }
  }
  return { variance, degreesOfFreedom: totals.length * (R - 1), kind: 'estimate' };
}

function fromNeighbours(plan: TimePlan, firstDraw: (sequence: number) => number): MonteCarloError | null {
  const { groups, sequences } = plan;
  if (plan.sizeOfGroup(groups - 1) === 1)
    return fromOneSample(Array.from({ length: sequences }, (_, i) => firstDraw(i)));
  let variance = 0;
  let degreesOfFreedom = 0;
  for (let group = 0; group < groups; group++) {
    const y = inOrderOfTime(plan, group, firstDraw);
    const last = y.length - 1;
    if (last === 1) variance += (y[1] - y[0]) ** 2;
    else variance += (5 / 6) * ((y[1] - y[0]) ** 2 + (y[last] - y[last - 1]) ** 2);
    for (let k = 1; k < last; k++) variance += (y[k - 1] - 2 * y[k] + y[k + 1]) ** 2 / 6;
    degreesOfFreedom += last;
  }
  return { variance, degreesOfFreedom, kind: 'upper-bound' };
}

/** The losses of one group, in order of u. */
function inOrderOfTime(plan: TimePlan, group: number, firstDraw: (sequence: number) => number): Float64Array {
  const y = new Float64Array(plan.sizeOfGroup(group));
  for (let i = group; i < plan.sequences; i += plan.groups) y[plan.at(i, 0).stratum] = firstDraw(i);
  return y;
}

/** Groups of one sequence (fewer than 8 sequences in all) have no strata: the bound is then the variance of a simple sample. */
function fromOneSample(y: number[]): MonteCarloError | null {
  const n = y.length;
  if (n < 2) return null;
  const mean = y.reduce((sum, value) => sum + value, 0) / n;
  const squares = y.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { variance: (n * squares) / (n - 1), degreesOfFreedom: n - 1, kind: 'upper-bound' };
}
