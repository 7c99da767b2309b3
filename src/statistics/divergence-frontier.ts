/**
 * How far apart two discrete distributions are, as a curve of two errors: text of p that q does not write, and the reverse. MAUVE
 * (Pillutla et al. 2021, arXiv 2102.01454) is the area under that curve, the frontier integral (Liu et al. 2021, arXiv 2106.07898)
 * the mean of its divergences. Distributions come as histograms over the same cells.
 */
import { DomainError } from '../errors.js';
import { type Numbers, numbersOf, sum } from './numbers.js';

export interface FrontierCurve {
  /** c in exp(−c·KL). */
  scaling: number;
  /** Mixtures along the curve. */
  points: number;
}

/** What the authors' package computes by default. */
export const MAUVE_CURVE: FrontierCurve = { scaling: 5, points: 25 };

/** The end weights of the mixtures are this far from 0 and 1. */
const END = 1e-6;

/** Cells whose shares are closer than this add nothing to the frontier integral: its terms would cancel. */
const EQUAL_SHARES = 1e-8;

/**
 * Area under the divergence curve, in (0, 1]; 1 where the distributions are equal. A point of the curve is
 * (exp(−c·KL(q‖r)), exp(−c·KL(p‖r))) of a mixture r = wp + (1−w)q; ends are (1, 0) and (0, 1). Along w both coordinates are
 * monotone, so the points need no sorting, which would misplace equal ones. The mean of both trapezoid sums is symmetric.
 * @param p, q counts or shares per cell, ≥ 0, at least one > 0   @throws DomainError otherwise
 */
export function mauve(p: Numbers, q: Numbers, { scaling, points }: FrontierCurve = MAUVE_CURVE): number {
  const [a, b] = distributions(p, q);
  const curve: [number, number][] = [[1, 0]];
  for (let i = 0; i < points; i++) {
    const w = END + ((1 - 2 * END) * i) / (points - 1);
    const r = a.map((share, v) => w * share + (1 - w) * b[v]);
    curve.push([Math.exp(-scaling * divergence(b, r)), Math.exp(-scaling * divergence(a, r))]);
  }
  curve.push([0, 1]);
  let area = 0;
  for (let i = 1; i < curve.length; i++) {
    const [[x0, y0], [x1, y1]] = [curve[i - 1], curve[i]];
    area += ((x0 - x1) * (y0 + y1)) / 4 + ((y1 - y0) * (x0 + x1)) / 4;
  }
  return area;
}

/**
 * ∫ 2[wKL(p‖r_w) + (1−w)KL(q‖r_w)] dw in closed form, in [0, 1]; 0 where the distributions are equal (arXiv 2106.07898).
 * @param p, q counts or shares per cell, ≥ 0, at least one > 0   @throws DomainError otherwise
 */
export function frontierIntegral(p: Numbers, q: Numbers): number {
  const [a, b] = distributions(p, q);
  return 2 * sum(numbersOf(a.length, (v) => integralOfCell(a[v], b[v])));
}

function integralOfCell(p: number, q: number): number {
  if (p === 0) return q / 4;
  if (q === 0) return p / 4;
  if (Math.abs(p - q) <= EQUAL_SHARES) return 0;
  return (p + q) / 4 - (p * q * (Math.log(p) - Math.log(q))) / (2 * (p - q));
}

/** Counts with ½ more in each cell (Krichevsky and Trofimov 1981): the "star" forms, with less bias in small samples. */
export const smoothed = (counts: Numbers): Float64Array =>
  Float64Array.from({ length: counts.length }, (_, v) => (counts.at(v) ?? 0) + 0.5);

/** KL(p‖r) = Σ p ln(p/r), nats, over p > 0. */
function divergence(p: Float64Array, r: Float64Array): number {
  let total = 0;
  for (let v = 0; v < p.length; v++) if (p[v] > 0) total += p[v] * Math.log(p[v] / r[v]);
  return total;
}

/** @throws DomainError */
function distributions(p: Numbers, q: Numbers): [Float64Array, Float64Array] {
  if (p.length !== q.length) {
    throw new DomainError({
      code: 'unequal-lengths',
      message: `Two histograms need the same cells, got ${p.length} and ${q.length}.`,
    });
  }
  return [sharesOf(p), sharesOf(q)];
}

function sharesOf(counts: Numbers): Float64Array {
  const values = Float64Array.from({ length: counts.length }, (_, v) => counts.at(v) ?? 0);
  const total = sum(values);
  if (!(total > 0 && Number.isFinite(total)) || values.some((count) => !(count >= 0))) {
    throw new DomainError({
      code: 'no-histogram',
      message: 'A histogram needs counts of at least 0, and one above.',
    });
  }
  return values.map((count) => count / total);
}
