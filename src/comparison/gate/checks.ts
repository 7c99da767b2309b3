/** Checks rows against gates: one check per gate, row and limit, each with its verdict and evidence. */
import { UsageError } from '../../errors.js';
import { plain } from '../../printing/numbers.js';
import { distinctionsOf, settingsOf } from '../../records/distinctions.js';
import { numberOf, type ResultRow } from '../../records/evaluation.js';
import { studentQuantile95, welchDegrees } from '../../statistics/student.js';
import type { YamlFile } from '../../strict-yaml.js';
import { nameOf } from '../comparability.js';
import { differenceOf, sequencesOf } from '../difference.js';
import { rowFor } from '../row-matching.js';
import { type Change, type Gate, type Gates, LIMITS, type Limit, matches } from './config.js';
import { type JudgedFigure, judge, type Needed, type Verdict } from './judgement.js';

export interface Check {
  /** Name of the gate, or of the figure that it limits. */
  gate: string;
  /** Line of the gate in its file, from 1. */
  line: number;
  eval: string;
  model: string;
  dataset: string;
  /** Settings that distinguish the row from others with the same names: `seed 1`; absent if there are none. */
  apart?: string;
  metric: string;
  /** `≤ 95`, `≤ +1% of 93.2`. */
  limit: string;
  kind: Limit;
  /** The figure; for a relative limit its change, in the unit of the limit. */
  value: number | null;
  ci95: [number, number] | null;
  /** Whether the change is in percent. */
  percent: boolean;
  /** The baseline of a relative limit. */
  baseline: number | null;
  verdict: Verdict;
  needed: Needed | null;
  /** What would decide an undecided check: `about 140 more sequences`; null otherwise. */
  wouldDecide: string | null;
  /** Sequences or samples evaluated, and how many there are in all, if the data set states it. */
  have: number | null;
  available: number | null;
}

export interface GateRecord {
  eval: 'gate';
  verdict: Verdict;
  passed: number;
  failed: number;
  undecided: number;
  /** What undecided limits count as, where someone said so. */
  undecidedAs?: 'pass' | 'fail';
  checks: Check[];
}

/**
 * @param undecidedAs what undecided limits count as; by default the verdict is undecided where none fails
 * @throws UsageError when a gate matches no row, names a figure that no row has, or lacks a baseline
 */
export function checkGates(
  { value: { gates }, lineOf }: Pick<YamlFile<Gates>, 'value' | 'lineOf'>,
  rows: readonly ResultRow[],
  baseline: readonly ResultRow[] | null,
  undecidedAs?: 'pass' | 'fail',
): GateRecord {
  const apart = distinguishingSettings(rows);
  const checks = gates.flatMap((gate, i) => {
    const line = lineOf(['gates', i]);
    return matchingRows(gate, line, rows).flatMap((row) =>
      LIMITS.filter((limit) => gate[limit] !== undefined).map((limit) =>
        named(checkOf(gate, line, limit, row, rows, baseline), apart.get(row) ?? ''),
      ),
    );
  });
  const count = (verdict: Verdict) => checks.filter((check) => check.verdict === verdict).length;
  const [failed, undecided] = [count('fail'), count('undecided')];
  return {
    eval: 'gate',
    verdict: failed > 0 ? 'fail' : undecided > 0 ? (undecidedAs ?? 'undecided') : 'pass',
    passed: count('pass'),
    failed,
    undecided,
    ...(undecidedAs && { undecidedAs }),
    checks,
  };
}

function distinguishingSettings(rows: readonly ResultRow[]): Map<ResultRow, string> {
  const labelOf = (row: ResultRow) => JSON.stringify([row.eval, row.model, row.dataset]);
  const texts = distinctionsOf(rows, labelOf, ({ record }) => settingsOf(record));
  return new Map(rows.map((row, i) => [row, texts[i]]));
}

const named = (check: Check, apart: string): Check => (apart === '' ? check : { ...check, apart });

function matchingRows(gate: Gate, line: number, rows: readonly ResultRow[]): ResultRow[] {
  const named = rows.filter(
    (row) =>
      matches(gate.eval, row.eval) && matches(gate.model, row.model) && matches(gate.dataset, row.dataset),
  );
  const found = named.filter(({ figures }) => figures.has(gate.metric));
  // A row that lacks a figure it should have is judged too: a missing figure meets no limit.
  const having = new Set(found.filter(({ record }) => gate.metric in record.metrics).map((row) => row.eval));
  if (found.length > 0) return named.filter((row) => row.figures.has(gate.metric) || having.has(row.eval));
  const what = `eval ${gate.eval}, model ${gate.model}, dataset ${gate.dataset}, metric ${gate.metric}`;
  const places = rows.map(({ model, dataset }) => `${model} on ${dataset}`);
  const figures = [...new Set(named.flatMap((row) => [...row.figures.keys()]))];
  throw new UsageError({
    code: 'gate-matches-nothing',
    message: `The gate of line ${line} matches no row (${what}).`,
    hint:
      named.length > 0
        ? `The rows it names have the figures ${figures.join(', ')}.`
        : `There are rows of ${[...new Set(places)].slice(0, 8).join('; ')}.`,
  });
}

/** A figure on its scale, the bound on the same scale, and how to print a number of that scale. */
interface Judged {
  figure: JudgedFigure;
  bound: number;
  shown: (value: number) => number;
}

function checkOf(
  gate: Gate,
  line: number,
  kind: Limit,
  row: ResultRow,
  rows: readonly ResultRow[],
  baseline: readonly ResultRow[] | null,
): Check {
  const lacks = !row.figures.has(gate.metric);
  const relative = !lacks && (kind === 'maxIncrease' || kind === 'maxDecrease');
  const other = relative ? baselineOf(gate, line, row, rows, baseline) : null;
  const change = kind === 'maxIncrease' || kind === 'maxDecrease' ? (gate[kind] as Change) : null;
  const judged = lacks
    ? null
    : other && change
      ? relativeTo(other, gate, kind, change, row)
      : absolute(gate, kind, row);
  const side = kind === 'max' || kind === 'maxIncrease' ? 'max' : 'min';
  const base = {
    gate: gate.name ?? `${gate.metric} ${kind}`,
    line,
    eval: row.eval,
    model: row.model,
    dataset: row.dataset,
    metric: gate.metric,
    limit: limitText(gate, kind, change),
    kind,
    percent: change?.percent ?? false,
    baseline: other?.figures.get(gate.metric)?.value ?? null,
    have: sequencesOf(row),
    available: numberOf(row, 'dataset.sequences'),
  };
  const decided = (found: Omit<Check, 'wouldDecide'>): Check => ({
    ...found,
    wouldDecide: found.verdict === 'undecided' ? wouldDecide(found, row) : null,
  });
  if (!judged)
    return decided({ ...base, value: null, ci95: null, verdict: lacks ? 'fail' : 'undecided', needed: null });
  const { figure, bound, shown } = judged;
  const { interval } = figure;
  return decided({
    ...base,
    value: shown(figure.value),
    ci95: interval && [shown(interval[0]), shown(interval[1])],
    ...judge(figure, bound, side),
  });
}

/** `about 3 more draws per sequence`; never more sequences than the data set has. */
function wouldDecide(
  { needed, have, available, metric, ci95 }: Omit<Check, 'wouldDecide'>,
  { evaluation, figures }: ResultRow,
): string {
  const { units, withoutInterval } = figures.get(metric)?.declared ?? {};
  if (withoutInterval !== undefined && ci95 === null) return withoutInterval;
  if (!needed || (needed.units === null && needed.draws === null)) return 'too little to say how much more';
  const unit = units?.name ?? evaluation?.unit ?? 'sample';
  const parts: string[] = [];
  if (needed.units !== null) {
    const isBeyond = !units && available !== null && (have ?? 0) + needed.units > available;
    if (!isBeyond) parts.push(`${needed.units} more ${unit}${needed.units === 1 ? '' : 's'}`);
    else if (needed.draws === null)
      return `other text, or a wider limit (all ${available} ${unit}s of this data set are too few)`;
  }
  if (needed.draws !== null)
    parts.push(`${needed.draws} more draw${needed.draws === 1 ? '' : 's'} per ${unit}`);
  return `about ${parts.join(', or ')}${units ? ` (${units.hint})` : ''}`;
}

function baselineOf(
  gate: Gate,
  line: number,
  row: ResultRow,
  rows: readonly ResultRow[],
  baseline: readonly ResultRow[] | null,
): ResultRow {
  if (row.figures.get(gate.metric)?.declared.isRatio) {
    throw new UsageError({
      code: 'ratio-is-a-change',
      message: `The gate of line ${line} limits a change of ${gate.metric}, which is a change already.`,
      hint: `Limit the ratio itself: min: 0.97 is at most 3% slower than what --against names.`,
    });
  }
  const found = baseline && rowFor(row, rows, baseline);
  if (found?.figures.has(gate.metric)) return found;
  throw new UsageError({
    code: baseline ? 'no-baseline-row' : 'no-baseline',
    message: baseline
      ? `The baseline has no ${gate.metric} that answers to ${nameOf(row)} (gate of line ${line}).`
      : `The gate of line ${line} limits a change, and there is no baseline.`,
    hint: 'Give --baseline: results of the same models and data sets, by the same protocol.',
  });
}

/** Judges the figure itself. @returns null if it is unknown */
function absolute({ metric, interval, max, min }: Gate, kind: Limit, row: ResultRow): Judged | null {
  const { value = null, ci95 = null, mcStderr = null, declared = {} } = row.figures.get(metric) ?? {};
  if (value === null) return null;
  const logarithmic = declared.exponentialOf !== undefined || declared.isRatio === true;
  const scale = logarithmic ? logarithm : identity;
  const drawError = mcStderr === null ? null : logarithmic ? mcStderr / value : mcStderr;
  const overDraws = interval === 'draws';
  return {
    figure: {
      value: scale(value),
      interval: overDraws
        ? studentInterval(scale(value), drawError, drawDegrees(row))
        : ci95 && [scale(ci95[0]), scale(ci95[1])],
      units: overDraws ? null : sampledOf(row, metric),
      draws: numberOf(row, 'protocol.draws'),
      drawError,
    },
    bound: scale((kind === 'max' ? max : min)!), // the gate sets this limit
    shown: logarithmic ? Math.exp : identity,
  };
}

/** Judges the change from the baseline. @returns null if a figure is unknown */
function relativeTo(
  other: ResultRow,
  { metric, interval }: Gate,
  kind: Limit,
  { amount, percent }: Change,
  row: ResultRow,
): Judged | null {
  const difference = differenceOf(row, other, metric);
  const before = other.figures.get(metric)?.value ?? null;
  if (!difference || difference.value === null || before === null) return null;
  const logarithmic = row.figures.get(metric)?.declared.exponentialOf !== undefined;
  const unit = percent ? (logarithmic ? 100 : 100 / Math.abs(before)) : logarithmic ? before : 1;
  const signed = kind === 'maxIncrease' ? amount : -amount;
  const errors = [row, other].map((one) => drawErrorOf(one, difference.metric));
  const drawError = errors[0] === null || errors[1] === null ? null : Math.hypot(errors[0], errors[1]);
  const overDraws = interval === 'draws';
  if (overDraws) checkSameSequences(row, other);
  return {
    figure: {
      value: difference.value,
      interval: overDraws
        ? studentInterval(difference.value, drawError, degreesOfBoth(row, other, errors))
        : difference.ci95,
      units: overDraws ? null : (difference.sequences ?? sequencesOf(row)),
      draws: numberOf(row, 'protocol.draws'),
      drawError,
    },
    bound: logarithmic ? logarithm(1 + signed / unit) : signed / unit,
    shown: (value) => unit * (logarithmic ? Math.expm1(value) : value),
  };
}

/** @throws UsageError if the sequences differ: an interval over draws holds for the same text only */
function checkSameSequences(row: ResultRow, other: ResultRow): void {
  const counts = [row, other].map((one) => numberOf(one, 'cost.sequences'));
  if (counts[0] === counts[1]) return;
  throw new UsageError({
    code: 'different-sequences',
    message: `${nameOf(row)} is of ${counts[0]} sequences and ${nameOf(other)} of ${counts[1]}: their draws cannot be compared.`,
    hint: 'Evaluate both with the same --limit or --first, or judge by "interval: sequences".',
  });
}

/** Number of rounds, sequences or samples, more of which would narrow the interval of a figure. */
function sampledOf(row: ResultRow, metric: string): number | null {
  const units = row.figures.get(metric)?.declared.units;
  return units ? units.count(row.record) : sequencesOf(row);
}

/** Degrees of freedom of a row's error over draws; derived from its randomisations if the file, of an earlier version, lacks it. */
function drawDegrees(row: ResultRow): number | null {
  const recorded = numberOf(row, 'protocol.mcDegreesOfFreedom');
  if (recorded !== null) return recorded;
  const [randomizations, draws] = [numberOf(row, 'protocol.randomizations'), numberOf(row, 'protocol.draws')];
  if (randomizations === null || draws === null) return null;
  const groups = randomizations / Math.min(draws, 4);
  return draws === 1 ? (numberOf(row, 'cost.sequences') ?? groups) - groups : randomizations - groups;
}

/** Degrees of freedom of a difference. An exact loss has no error, so its degrees do not matter. */
function degreesOfBoth(row: ResultRow, other: ResultRow, errors: readonly (number | null)[]): number | null {
  if (errors.some((error) => error === null)) return null;
  const known = errors as number[];
  if (known.every((error) => error === 0)) return 0;
  const degrees = [row, other].map(drawDegrees);
  if (known.some((error, i) => error > 0 && degrees[i] === null)) return null;
  return welchDegrees(
    known,
    degrees.map((one) => one ?? 0),
  );
}

function drawErrorOf(row: ResultRow, metric: string): number | null {
  return row.figures.get(metric)?.mcStderr ?? null;
}

/** A 95% interval by Student's t; null if the error or its degrees of freedom are unknown. */
function studentInterval(
  value: number,
  stderr: number | null,
  degrees: number | null,
): [number, number] | null {
  if (stderr === 0) return [value, value];
  if (stderr === null || degrees === null || degrees < 1) return null;
  const half = studentQuantile95(degrees) * stderr;
  return [value - half, value + half];
}

function limitText(gate: Gate, kind: Limit, change: Change | null): string {
  // Without a change, the gate limits the figure itself.
  if (!change) return `${kind === 'max' ? '≤' : '≥'} ${plain((kind === 'max' ? gate.max : gate.min)!)}`;
  return `${kind === 'maxIncrease' ? '≤ +' : '≥ −'}${change.amount}${change.percent ? '%' : ''}`;
}

/** Nothing lies below zero. */
const logarithm = (value: number) => (value > 0 ? Math.log(value) : Number.NEGATIVE_INFINITY);
const identity = (value: number) => value;
