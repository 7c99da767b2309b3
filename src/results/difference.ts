/**
 * How two rows differ: sequence by sequence or sample by sample where both hold the same ones, which removes what is hard, or
 * luck, for both, else by the figures' own errors. Differences are first minus second, with a 95% interval.
 */

import { numbersOf } from '../statistics/numbers.js';
import { ratio } from '../statistics/ratio.js';
import { studentQuantile95 } from '../statistics/student.js';
import { checkComparable } from './comparability.js';
import { pairedSamples } from './paired-samples.js';
import { numberOf, type ResultRow, type RowFigure, THROUGHPUT_RATIO } from './rows.js';

export interface Estimate {
  value: number | null;
  stderr: number | null;
  ci95: readonly [number, number] | null;
}

export interface Difference extends Estimate {
  /** A figure's name, or `textNll`: nats a token of text, which compares families that score different tokens. */
  metric: string;
  method: 'paired' | 'intervals';
  /** Sequences, or samples, that were paired. */
  sequences: number | null;
  /** The figures of both, as far as they are of this metric. */
  a: number | null;
  b: number | null;
}

/** Figures that others of the row are the exponentials of: differences are of the logarithms. */
const LOGARITHM: Record<string, string> = { ppl: 'nll', genPpl: 'genNll' };
const Z = 1.959963984540054;

/** Every figure that tells something of its own, and is no comparison itself, compared. @throws UsageError when the rows are not of one protocol */
export function differencesOf(a: ResultRow, b: ResultRow): Difference[] {
  checkComparable(a, b);
  if (a.eval === 'ppl') return [pairedDifference(a, b, 'textNll') ?? byIntervals(a, b, scoredMetric(a, b))];
  const told = (name: string) => name in LOGARITHM || name === THROUGHPUT_RATIO;
  const names = [...a.figures.keys()].filter((name) => b.figures.has(name) && !told(name));
  return names
    .map((name) => paired(a, b, name) ?? byIntervals(a, b, name))
    .filter(({ value }) => value !== null);
}

/**
 * The difference of one figure, or of the logarithm of one that is an exponential.
 * @returns null where a row has no such figure
 */
export function differenceOf(a: ResultRow, b: ResultRow, metric: string): Difference | null {
  checkComparable(a, b);
  if (!a.figures.has(metric) || !b.figures.has(metric)) return null;
  const plain = LOGARITHM[metric] ?? metric;
  return paired(a, b, plain) ?? byIntervals(a, b, plain);
}

/** Bits a byte are nats a token in another unit, the same for both rows of one text. */
function paired(a: ResultRow, b: ResultRow, metric: string): Difference | null {
  if (a.eval === 'gen') return pairedSamples(a, b, metric);
  if (metric !== 'nll' && metric !== 'bitsPerByte') return null;
  const nats = pairedDifference(a, b, 'nll');
  if (metric === 'nll' || nats === null || nats.value === null) return nats;
  if (a.sequences!.nats.length !== b.sequences!.nats.length) return null;
  const [bits, perToken] = ['bitsPerByte', 'nll'].map((name) => a.figures.get(name)?.value ?? null);
  if (bits === null || !perToken) return null;
  const unit = bits / perToken;
  const scaled = (value: number | null) => (value === null ? null : value * unit);
  const { value, stderr, ci95 } = nats;
  return {
    ...nats,
    metric,
    a: scaled(nats.a),
    b: scaled(nats.b),
    value: scaled(value),
    stderr: scaled(stderr),
    ci95: ci95 && [ci95[0] * unit, ci95[1] * unit],
  };
}

export function isExponential(metric: string): boolean {
  return metric in LOGARITHM;
}

/** nats a token means the same only where both score the same tokens: ar leaves out the first. */
function scoredMetric(a: ResultRow, b: ResultRow): string {
  const exact = [a, b].map((row) => row.record.protocol.estimator === 'exact');
  return exact[0] === exact[1] ? 'nll' : 'bitsPerByte';
}

/** @returns null unless both rows hold sequences, of the same text and, for `nll`, of as many scored tokens */
function pairedDifference(a: ResultRow, b: ResultRow, metric: 'nll' | 'textNll'): Difference | null {
  const [first, second] = [a.sequences, b.sequences];
  if (!first || !second || !sameStream(a, b)) return null;
  const [nats, tokens] =
    metric === 'nll' ? (['nats', 'tokens'] as const) : (['textNats', 'textTokens'] as const);
  const sequences = Math.min(first.nats.length, second.nats.length);
  for (let i = 0; i < sequences; i++) if (first[tokens][i] !== second[tokens][i]) return null;
  if (sequences < 2) return null;
  const over = numbersOf(sequences, (i) => first[tokens][i]);
  const { value, stderr, ci95 } = ratio(
    numbersOf(sequences, (i) => first[nats][i] - second[nats][i]),
    over,
  );
  const alone = (row: readonly number[]) =>
    ratio(
      numbersOf(sequences, (i) => row[i]),
      over,
    ).value;
  return {
    metric,
    method: 'paired',
    sequences,
    a: alone(first[nats]),
    b: alone(second[nats]),
    value,
    stderr,
    ci95,
  };
}

function sameStream(a: ResultRow, b: ResultRow): boolean {
  const [first, second] = [a, b].map((row) => row.record.dataset?.sha256);
  return typeof first === 'string' && first === second;
}

/** As if the two were independent: on the same text the interval is wider than it need be, never narrower in expectation. */
function byIntervals(a: ResultRow, b: ResultRow, metric: string): Difference {
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
  const margin = quantile(errors as [number, number], [unitsOf(a), unitsOf(b)]) * stderr;
  return { ...base, value, stderr, ci95: [value - margin, value + margin] };
}

/** The standard error; of a figure with an interval alone, that of a normal one so wide. */
function spread({ stderr, ci95 }: RowFigure): number | null {
  if (stderr !== null) return stderr;
  return ci95 === null ? null : (ci95[1] - ci95[0]) / (2 * Z);
}

/** Sequences or samples behind a row's errors. */
export function unitsOf(row: ResultRow): number | null {
  return numberOf(row, 'samples.count') ?? numberOf(row, 'cost.sequences');
}

/** What a figure's interval is over: rounds of a ratio of speeds, else {@link unitsOf}. */
export function unitsOfFigure(row: ResultRow, metric: string): number | null {
  return metric === THROUGHPUT_RATIO ? numberOf(row, 'throughput.against.rounds') : unitsOf(row);
}

/** Student's t at the degrees of freedom of Welch and Satterthwaite (1947). */
function quantile([sa, sb]: readonly [number, number], [na, nb]: readonly (number | null)[]): number {
  if (na === null || nb === null || na < 2 || nb < 2) return Z;
  const bottom = sa ** 4 / (na - 1) + sb ** 4 / (nb - 1);
  return bottom > 0 ? studentQuantile95(Math.max(1, Math.floor((sa ** 2 + sb ** 2) ** 2 / bottom))) : Z;
}

/** 0 lies outside the interval; null where there is none. */
export function isSignificant({ ci95 }: Estimate): boolean | null {
  return ci95 === null ? null : ci95[0] > 0 || ci95[1] < 0;
}
