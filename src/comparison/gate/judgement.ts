/**
 * Judges a limit by the interval, not by the point estimate: the limit holds if the whole interval meets it, is broken if the
 * whole interval exceeds it, and is undecided otherwise. An undecided judgement estimates how many more sequences or draws
 * would decide, because errors fall as one over the root of their number.
 */
import { NORMAL_QUANTILE_975 } from '../../statistics/student.js';

export type Verdict = 'pass' | 'fail' | 'undecided';

/** An estimate on a scale with symmetric errors: the logarithm for perplexities. */
export interface JudgedFigure {
  value: number;
  /** Null if there is too little for an interval. */
  interval: readonly [number, number] | null;
  /** Number of sequences or samples behind the interval; null if it covers draws alone. */
  units: number | null;
  /** Draws per sequence; null if nothing is drawn. */
  draws: number | null;
  /** The part of the standard error that more draws would remove. */
  drawError: number | null;
}

export interface Needed {
  /** Further sequences or samples; null if they would not help, or if the number is unknown. */
  units: number | null;
  /** Further draws per sequence. */
  draws: number | null;
}

export interface Judgement {
  verdict: Verdict;
  /** What would decide an undecided judgement. */
  needed: Needed | null;
}

/** @param side whether the figure must not be above (`max`) or below (`min`) the bound */
export function judge(figure: JudgedFigure, bound: number, side: 'max' | 'min'): Judgement {
  const { interval } = figure;
  if (interval === null || interval.some(Number.isNaN))
    return { verdict: 'undecided', needed: { units: null, draws: null } };
  const [worst, best] = side === 'max' ? [interval[1], interval[0]] : [-interval[0], -interval[1]];
  const limit = side === 'max' ? bound : -bound;
  if (worst <= limit) return { verdict: 'pass', needed: null };
  if (best > limit) return { verdict: 'fail', needed: null };
  return { verdict: 'undecided', needed: neededFor(figure, interval, Math.abs(figure.value - bound)) };
}

/** With n units, half the width of the interval is half · √(units/n), which must become smaller than the distance. */
function neededFor(
  { units, draws, drawError }: JudgedFigure,
  [low, high]: readonly [number, number],
  distance: number,
): Needed {
  const half = (high - low) / 2;
  const more = (have: number, factor: number) =>
    Number.isFinite(factor) && factor > 1 ? Math.max(1, Math.ceil(have * factor) - have) : null;
  if (!(distance > 0)) return { units: null, draws: null };
  if (units === null)
    return { units: null, draws: draws === null ? null : more(draws, (half / distance) ** 2) };
  const needed: Needed = { units: more(units, (half / distance) ** 2), draws: null };
  if (draws !== null && drawError !== null && drawError > 0) {
    // The draws' share of the squared error falls with their number; the share of the text stays.
    const text = Math.max(0, (half / NORMAL_QUANTILE_975) ** 2 - drawError ** 2);
    const allowed = (distance / NORMAL_QUANTILE_975) ** 2 - text;
    if (allowed > 0) needed.draws = more(draws, drawError ** 2 / allowed);
  }
  return needed;
}
