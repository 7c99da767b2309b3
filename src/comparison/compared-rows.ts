/** Compares all matching rows of two files, and lists those without a match. */
import {
  namesThatDiffer,
  settingsAsRecorded,
  settingsOfPair,
  textOf,
  VERSUS,
} from '../records/distinctions.js';
import { fieldOf, type ResultRow } from '../records/evaluation.js';
import { plainText } from '../terminal-text.js';
import { haveIntervalsOfOtherVersions, nameOf } from './comparability.js';
import { type Difference, differencesOf } from './difference.js';
import { matchRows } from './row-matching.js';

/** A difference, and the two rows. */
export interface NamedDifference extends Difference {
  eval: string;
  modelA: string;
  modelB: string;
  fileA: string;
  fileB: string;
  dataset: string;
  /** Name of the figure in tables. */
  metricName: string;
  /** Why the comparison is not paired, as the end of a sentence; null if it is, or if this figure has no pairs. */
  unpaired?: string | null;
  /** Settings in which the two differ, and those that distinguish this pair from others with the same names: `seed 1 − 2`. */
  apart?: string;
  /** Files with intervals of an earlier version, if the other file has the current ones. */
  earlier?: readonly string[];
  /** The recorded settings of each row: sampler options, temperature, length, seed and the like. */
  settingsA?: Readonly<Record<string, unknown>>;
  settingsB?: Readonly<Record<string, unknown>>;
}

/** @throws UsageError when matching rows have different protocols */
export function compareRows(
  a: readonly ResultRow[],
  b: readonly ResultRow[],
): { differences: NamedDifference[]; notices: string[] } {
  const { pairs, aloneInA, aloneInB } = matchRows(a, b);
  const apart = apartOfPairs(pairs);
  return {
    differences: pairs.flatMap((pair, i) =>
      namedDifferences(pair.a, pair.b).map((one) => ({ ...one, apart: apart[i] })),
    ),
    notices: aloneNotice([...aloneInA, ...aloneInB]),
  };
}

/** One for all rows that have no match. */
const aloneNotice = (rows: readonly ResultRow[]): string[] =>
  rows.length === 0 ? [] : [`Nothing to compare with: ${rows.map(nameOf).join('; ')}.`];

export interface RowPair {
  a: ResultRow;
  b: ResultRow;
}

/** For each pair, the settings in which the two differ, and those that distinguish it from others with the same names. */
export function apartOfPairs(pairs: readonly RowPair[]): string[] {
  const ofPairs = pairs.map(({ a, b }) => settingsOfPair(a.record, b.record));
  const labels = pairs.map(({ a, b }) =>
    JSON.stringify([a.eval, a.model, b.model, a.dataset, a.file, b.file]),
  );
  const differing = new Map(
    [...new Set(labels)].map((label) => [
      label,
      namesThatDiffer(ofPairs.filter((_, i) => labels[i] === label)),
    ]),
  );
  return ofPairs.map((settings, i) => {
    const between = differing.get(labels[i]) ?? [];
    const names = [...settings]
      .filter(([name, value]) => value.includes(VERSUS) || between.includes(name))
      .map(([name]) => name);
    return textOf(settings, names);
  });
}

export function namedDifferences(a: ResultRow, b: ResultRow): NamedDifference[] {
  return differencesOf(a, b).map((difference) => namedDifference(a, b, difference));
}

export function namedDifference(a: ResultRow, b: ResultRow, difference: Difference): NamedDifference {
  const { method, metric } = difference;
  const { pairing } = a.evaluation ?? {};
  return {
    ...difference,
    eval: a.eval,
    modelA: a.model,
    modelB: b.model,
    fileA: a.file,
    fileB: b.file,
    dataset: a.dataset,
    metricName: metricName(a, metric),
    unpaired:
      method === 'intervals' && pairing?.metrics.includes(metric) ? (pairing.whyNot?.(a, b) ?? null) : null,
    ...earlierOf(a, b),
    settingsA: settingsAsRecorded(a.record),
    settingsB: settingsAsRecorded(b.record),
  };
}

function earlierOf(a: ResultRow, b: ResultRow): Pick<NamedDifference, 'earlier'> {
  if (!haveIntervalsOfOtherVersions(a, b)) return {};
  return { earlier: [a, b].filter((row) => fieldOf(row, 'protocol.version') === 1).map(({ file }) => file) };
}

/** The name in tables of a figure, or of a figure that exists only for pairs. */
function metricName({ evaluation, figures }: ResultRow, metric: string): string {
  const title = figures.get(metric)?.declared.title ?? evaluation?.pairing?.titles?.[metric];
  return title ?? plainText(metric);
}
