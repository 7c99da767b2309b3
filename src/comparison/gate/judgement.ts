/**
 * A limit judged on an interval and not on the point: it holds when the whole interval is on its good side, is broken when
 * the whole interval is beyond it, and is undecided in between; then how much more of what would decide is worked out from
 * how errors fall, as one over the root of the number of sequences or draws.
 */
import { NORMAL_QUANTILE_975 } from '../../statistics/student.js';

export type Verdict = 'pass' | 'fail' | 'undecided';

/** An estimate on a scale where its errors are symmetric: perplexities by their logarithm. */
export interface JudgedFigure {
  value: number;
  /** Null where there is too little for an interval. */
  interval: readonly [number, number] | null;
  /** Sequences or samples that the interval is over; null where it is over draws alone. */
  units: number | null;
  /** Draws a sequence; null where nothing is drawn. */
  draws: number | null;
  /** Standard error that more draws would remove. */
  drawError: number | null;
}

export interface Needed {
  /** Further sequences or samples; null where they would not help, or nobody knows. */
  units: number | null;
  /** Further draws a sequence. */
  draws: number | null;
}

export interface Judgement {
  verdict: Verdict;
  /** Of an undecided one. */
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

/** With n units the interval is half · √(units/n) wide on either side; it must become narrower than the distance. */
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
    // Of the squared error so much is the draws' and falls with them; the text's own stays.
    const text = Math.max(0, (half / NORMAL_QUANTILE_975) ** 2 - drawError ** 2);
    const allowed = (distance / NORMAL_QUANTILE_975) ** 2 - text;
    if (allowed > 0) needed.draws = more(draws, drawError ** 2 / allowed);
  }
  return needed;
}
