/**
 * The difference of two rows: paired by sequence or sample if both hold the same ones, which removes the variation they have
 * in common; otherwise from the standard errors of the two figures. Differences are first minus second, with a 95% interval.
 */
import { UsageError } from '../errors.js';
import {
  type FigureDeclaration,
  fieldOf,
  numberOf,
  type ResultRow,
  type RowFigure,
} from '../records/evaluation.js';
import type { TextSampling } from '../records/figures.js';
import { NORMAL_QUANTILE_975, studentQuantile95, welchDegrees } from '../statistics/student.js';
import { degreesOf } from '../statistics/text-ratio.js';
import { checkComparable, nameOf } from './comparability.js';

export interface Estimate {
  value: number | null;
  stderr: number | null;
  ci95: readonly [number, number] | null;
}

export interface Difference extends Estimate, TextSampling {
  /** A figure's name, or `textNll`: nats per token of text, which compares families that score different tokens. */
  metric: string;
  method: 'paired' | 'intervals';
  /** Number of paired sequences or samples. */
  sequences: number | null;
  /** The figures of both rows, if they are of this metric. */
  a: number | null;
  b: number | null;
}

/**
 * The difference of every independent figure; if there are pairs with a figure of their own, of that one alone.
 * @throws UsageError when the protocols of the rows differ
 */
export function differencesOf(a: ResultRow, b: ResultRow): Difference[] {
  checkComparable(a, b);
  const { pairing, compared } = a.evaluation ?? {};
  const headline = pairing?.headline ? pairedDifference(a, b, pairing.headline) : null;
  if (headline) return [headline];
  if (compared) return compared(a, b).map((name) => byIntervals(a, b, name));
  const names = [...a.figures].filter(
    ([name, { declared }]) =>
      b.figures.has(name) && !declared.exponentialOf && !declared.isRatio && figureCompares(declared, a, b),
  );
  return names
    .map(([name]) => pairedDifference(a, b, name) ?? byIntervals(a, b, name))
    .filter(({ value }) => value !== null);
}

/**
 * The difference of one figure, or of its logarithm if the figure is an exponential.
 * @returns null if a row lacks the figure, or the two are measured against different texts
 */
export function differenceOf(a: ResultRow, b: ResultRow, metric: string): Difference | null {
  checkComparable(a, b);
  const figure = a.figures.get(metric);
  if (!figure || !b.figures.has(metric) || !figureCompares(figure.declared, a, b)) return null;
  const compared = figure.declared.exponentialOf ?? metric;
  return pairedDifference(a, b, compared) ?? byIntervals(a, b, compared);
}

/** Whether what the figure depends on is the same, and known, in both rows. */
function figureCompares({ sameIn = [] }: FigureDeclaration, a: ResultRow, b: ResultRow): boolean {
  return sameIn.every((path) => fieldOf(a, path) !== undefined && fieldOf(a, path) === fieldOf(b, path));
}

function pairedDifference(a: ResultRow, b: ResultRow, metric: string): Difference | null {
  const difference = a.evaluation?.pairing?.difference(a, b, metric);
  return difference ? { ...difference, method: 'paired' } : null;
}

/** Treats the two as independent: on the same text the interval is wider than necessary, never narrower in expectation. */
function byIntervals(a: ResultRow, b: ResultRow, metric: string): Difference {
  checkIntervals(a, b);
  const [first, second] = [a.figures.get(metric), b.figures.get(metric)];
  const base = {
    metric,
    method: 'intervals' as const,
    sequences: null,
    a: first?.value ?? null,
    b: second?.value ?? null,
  };
  if (!first || !second || first.value === null || second.value === null)
    return { ...base, value: null, stderr: null, ci95: null };
  const value = first.value - second.value;
  const errors = [spread(first), spread(second)];
  if (errors[0] === null || errors[1] === null) return { ...base, value, stderr: null, ci95: null };
  const stderr = Math.hypot(errors[0], errors[1]);
  const degrees = [degreesOfFigure(a, metric), degreesOfFigure(b, metric)] as const;
  const margin = welchQuantile95(errors as [number, number], degrees) * stderr;
  return { ...base, value, stderr, ci95: [value - margin, value + margin] };
}

/** The standard error; for a figure with only an interval, that of a normal interval of the same width. */
function spread({ stderr, ci95 }: RowFigure): number | null {
  if (stderr !== null) return stderr;
  return ci95 === null ? null : (ci95[1] - ci95[0]) / (2 * NORMAL_QUANTILE_975);
}

/** @throws UsageError if only one row has the intervals of an earlier version, which were too narrow */
function checkIntervals(a: ResultRow, b: ResultRow): void {
  const [first, second] = [a, b].map((row) => row.evaluation?.hasNarrowIntervals?.(row) ?? false);
  if (first === second) return;
  throw new UsageError({
    code: 'intervals-of-an-earlier-version',
    message: `The interval of ${nameOf(first ? a : b)} is of an earlier duo-eval, which took the sequences of a text as independent: on running text it is too narrow, and cannot be set against a new one.`,
    hint: 'Evaluate it anew. Differences of files with losses of sequences (ppl --by-sequence) are computed anew from those.',
  });
}

/** Number of sequences or samples behind the errors of a row. */
export function sequencesOf(row: ResultRow): number | null {
  return numberOf(row, 'samples.count') ?? numberOf(row, 'cost.sequences');
}

/** Number of units behind the interval of a figure: its own (rounds), units of text, else {@link sequencesOf}. */
export function unitsOfFigure(row: ResultRow, metric: string): number | null {
  const figure = row.figures.get(metric);
  if (figure?.declared.units) return figure.declared.units.count(row.record);
  return figure?.units ?? sequencesOf(row);
}

/** Degrees of freedom of the error of a figure: over units of text, else over {@link sequencesOf}; null if unknown. */
function degreesOfFigure(row: ResultRow, metric: string): number | null {
  const { units, effectiveUnits = units } = row.figures.get(metric) ?? {};
  if (effectiveUnits !== undefined) return degreesOf(effectiveUnits);
  const sequences = sequencesOf(row);
  return sequences === null || sequences < 2 ? null : sequences - 1;
}

/** The 95% quantile of Student's t with the degrees of freedom of Welch and Satterthwaite (statistics/student.ts). */
function welchQuantile95(
  [sa, sb]: readonly [number, number],
  [a, b]: readonly [number | null, number | null],
): number {
  if (a === null || b === null || !(sa + sb > 0)) return NORMAL_QUANTILE_975;
  return studentQuantile95(welchDegrees([sa, sb], [a, b]));
}

/** Whether 0 lies outside the interval; null without an interval. */
export function isSignificant({ ci95 }: Estimate): boolean | null {
  return ci95 === null ? null : ci95[0] > 0 || ci95[1] < 0;
}
