/**
 * How two rows differ: sequence by sequence or sample by sample where both hold the same ones, which removes what is hard, or
 * luck, for both, else by the figures' own errors. Differences are first minus second, with a 95% interval.
 */
import { UsageError } from '../errors.js';
import { numberOf, type ResultRow, type RowFigure, THROUGHPUT_RATIO } from '../records/rows.js';
import { NORMAL_QUANTILE_975, studentQuantile95, welchDegrees } from '../statistics/student.js';
import { degreesOf } from '../statistics/text-ratio.js';
import { checkComparable, haveIntervalsOfOtherVersions, nameOf } from './comparability.js';
import { type Difference, type Estimate, pairedSamples, pairedSequences } from './pairs.js';

/** Figures that others of the row are the exponentials of: differences are of the logarithms. */
const LOGARITHM: Record<string, string> = { ppl: 'nll', genPpl: 'genNll' };

/** Every figure that tells something of its own, and is no comparison itself, compared. @throws UsageError when the rows are not of one protocol */
export function differencesOf(a: ResultRow, b: ResultRow): Difference[] {
  checkComparable(a, b);
  if (a.eval === 'ppl') return [pairedSequences(a, b, 'textNll') ?? byIntervals(a, b, scoredMetric(a, b))];
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

/** Bits per byte are nats per token in another unit, which is the same for both rows of one text. */
function paired(a: ResultRow, b: ResultRow, metric: string): Difference | null {
  if (a.eval === 'gen') return pairedSamples(a, b, metric);
  if (metric !== 'nll' && metric !== 'bitsPerByte') return null;
  const nats = pairedSequences(a, b, 'nll');
  if (metric === 'nll' || nats === null || nats.value === null) return nats;
  if (a.sequences?.nats.length !== b.sequences?.nats.length) return null;
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
  const margin = welchQuantile95(errors as [number, number], degrees) * stderr;
  return { ...base, value, stderr, ci95: [value - margin, value + margin] };
}

/** The standard error; of a figure with an interval alone, that of a normal one so wide. */
function spread({ stderr, ci95 }: RowFigure): number | null {
  if (stderr !== null) return stderr;
  return ci95 === null ? null : (ci95[1] - ci95[0]) / (2 * NORMAL_QUANTILE_975);
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
function welchQuantile95(
  [sa, sb]: readonly [number, number],
  [a, b]: readonly [number | null, number | null],
): number {
  if (a === null || b === null || !(sa + sb > 0)) return NORMAL_QUANTILE_975;
  return studentQuantile95(welchDegrees([sa, sb], [a, b]));
}

/** 0 lies outside the interval; null where there is none. */
export function isSignificant({ ci95 }: Estimate): boolean | null {
  return ci95 === null ? null : ci95[0] > 0 || ci95[1] < 0;
}
