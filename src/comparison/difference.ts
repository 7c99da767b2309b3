/**
 * How two rows differ: sequence by sequence or sample by sample where both hold the same ones, which removes what is hard, or
 * luck, for both, else by the figures' own errors. Differences are first minus second, with a 95% interval.
 */
import { UsageError } from '../errors.js';
import type { TextSampling } from '../records/record.js';
import { numberOf, type ResultRow, type RowFigure, THROUGHPUT_RATIO } from '../records/rows.js';
import type { SequencesRecord } from '../records/sequences-record.js';
import { longestBlock, pairedComparison } from '../records/text-figures.js';
import { studentQuantile95, welchDegrees, Z } from '../statistics/student.js';
import { sum } from '../statistics/summation.js';
import { degreesOf } from '../statistics/text-ratio.js';
import { checkComparable, haveIntervalsOfOtherVersions, nameOf } from './comparability.js';
import { pairedSamples } from './paired-samples.js';

export interface Estimate {
  value: number | null;
  stderr: number | null;
  ci95: readonly [number, number] | null;
}

export interface Difference extends Estimate, TextSampling {
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

/**
 * Of the sequences that both rows hold, told by their place in the stream.
 * @returns null unless both hold sequences of one stream, at least half of the smaller's, and for `nll` of as many scored tokens
 */
function pairedDifference(a: ResultRow, b: ResultRow, metric: 'nll' | 'textNll'): Difference | null {
  if (!a.sequences || !b.sequences || !sameStream(a, b)) return null;
  const places = commonPlaces(a.sequences, b.sequences);
  const fewest = Math.min(a.sequences.nats.length, b.sequences.nats.length);
  if (places.length < 2 || 2 * places.length < fewest) return null;
  const [nats, tokens] =
    metric === 'nll' ? (['nats', 'tokens'] as const) : (['textNats', 'textTokens'] as const);
  const taken = (column: readonly number[], side: 0 | 1) =>
    Float64Array.from(places, (place) => column[place[side]]);
  // Of the text, so what either file says of documents holds for both.
  const [ofA, ofB] = [a.sequences.document, b.sequences.document];
  const documents = ofA ? taken(ofA, 0) : ofB ? taken(ofB, 1) : null;
  const lossesOf = (columns: SequencesRecord, side: 0 | 1) => ({
    textNats: taken(columns[nats], side),
    textTokens: taken(columns[tokens], side),
    documents,
  });
  const [first, second] = [lossesOf(a.sequences, 0), lossesOf(b.sequences, 1)];
  if (first.textTokens.some((count, i) => count !== second.textTokens[i])) return null;
  // A row's own length counts where it is of these sequences: elsewhere they lie at other distances.
  const whole = (row: ResultRow) => row.sequences!.nats.length === places.length;
  const ofRows = [a, b].filter(whole).map((row) => row.figures.get('nll')?.blockLength ?? 1);
  const {
    deltaNll,
    significant: _,
    ...error
  } = pairedComparison(first, second, Math.max(longestBlock([], [[first, second]]), ...ofRows));
  const total = sum(first.textTokens);
  return {
    metric,
    method: 'paired',
    sequences: places.length,
    a: total > 0 ? sum(first.textNats) / total : null,
    b: total > 0 ? sum(second.textNats) / total : null,
    value: deltaNll,
    ...error,
  };
}

/** Where each sequence that both have stands in the columns of either. */
function commonPlaces(a: SequencesRecord, b: SequencesRecord): [number, number][] {
  const places: [number, number][] = [];
  const indexOf = ({ index }: SequencesRecord, i: number) => index?.[i] ?? i;
  for (let [i, j] = [0, 0]; i < a.nats.length && j < b.nats.length; ) {
    const ahead = indexOf(a, i) - indexOf(b, j);
    if (ahead === 0) places.push([i, j]);
    if (ahead <= 0) i++;
    if (ahead >= 0) j++;
  }
  return places;
}

function sameStream(a: ResultRow, b: ResultRow): boolean {
  const [first, second] = [a, b].map((row) => row.record.dataset?.sha256);
  return typeof first === 'string' && first === second;
}

/** As if the two were independent: on the same text the interval is wider than it need be, never narrower in expectation. */
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
  const margin = quantile(errors as [number, number], degrees) * stderr;
  return { ...base, value, stderr, ci95: [value - margin, value + margin] };
}

/** The standard error; of a figure with an interval alone, that of a normal one so wide. */
function spread({ stderr, ci95 }: RowFigure): number | null {
  if (stderr !== null) return stderr;
  return ci95 === null ? null : (ci95[1] - ci95[0]) / (2 * Z);
}

/** @throws UsageError for perplexities of which one's interval took sequences as independent */
function checkIntervals(a: ResultRow, b: ResultRow): void {
  if (a.eval !== 'ppl' || !haveIntervalsOfOtherVersions(a, b)) return;
  const old = numberOf(a, 'protocol.version') === 1 ? a : b;
  throw new UsageError({
    code: 'intervals-of-an-earlier-version',
    message: `The interval of ${nameOf(old)} is of an earlier duo-eval, which took the sequences of a text as independent: on running text it is too narrow, and cannot be set against a new one.`,
    hint: 'Evaluate it anew. Differences of files with losses of sequences (ppl --by-sequence) are computed anew from those.',
  });
}

/** Sequences or samples behind a row's errors. */
export function sequencesOf(row: ResultRow): number | null {
  return numberOf(row, 'samples.count') ?? numberOf(row, 'cost.sequences');
}

/** How many of what a figure's interval is over: rounds of a ratio of speeds, units of text, else {@link sequencesOf}. */
export function unitsOfFigure(row: ResultRow, metric: string): number | null {
  if (metric === THROUGHPUT_RATIO) return numberOf(row, 'throughput.against.rounds');
  return row.figures.get(metric)?.units ?? sequencesOf(row);
}

/** Degrees of freedom of a figure's error: over units of text, else over {@link sequencesOf}; null where nobody knows. */
function degreesOfFigure(row: ResultRow, metric: string): number | null {
  const { units, effectiveUnits = units } = row.figures.get(metric) ?? {};
  if (effectiveUnits !== undefined) return degreesOf(effectiveUnits);
  const sequences = sequencesOf(row);
  return sequences === null || sequences < 2 ? null : sequences - 1;
}

/** Student's t at the degrees of freedom of Welch and Satterthwaite. */
function quantile(
  [sa, sb]: readonly [number, number],
  [a, b]: readonly [number | null, number | null],
): number {
  if (a === null || b === null || !(sa + sb > 0)) return Z;
  return studentQuantile95(welchDegrees([sa, sb], [a, b]));
}

/** 0 lies outside the interval; null where there is none. */
export function isSignificant({ ci95 }: Estimate): boolean | null {
  return ci95 === null ? null : ci95[0] > 0 || ci95[1] < 0;
}
