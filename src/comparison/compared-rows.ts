/** All rows of two files that answer to each other, compared, and which do not. */
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

/** A difference and the rows it is of. */
export interface NamedDifference extends Difference {
  eval: string;
  modelA: string;
  modelB: string;
  fileA: string;
  fileB: string;
  dataset: string;
  /** How tables call the figure. */
  metricName: string;
  /** Why it is not compared in pairs, as the end of a sentence; null where it is, or where no pairs can be made of it. */
  unpaired?: string | null;
  /** Settings in which the two differ, and those that set this pair apart from others of these names: `seed 1 − 2`. */
  apart?: string;
  /** Files whose own intervals are of an earlier version, where the other's is not. */
  earlier?: readonly string[];
  /** Of either row: sampler options, temperature, length, seed and the like, as recorded. */
  settingsA?: Readonly<Record<string, unknown>>;
  settingsB?: Readonly<Record<string, unknown>>;
}

/** @throws UsageError when rows that answer to each other are not of one protocol */
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
    notices: [...aloneInA, ...aloneInB].map((row) => `${nameOf(row)}: nothing to compare it with.`),
  };
}

export interface RowPair {
  a: ResultRow;
  b: ResultRow;
}

/** Of each pair, what the two differ in and what sets it apart from others of the same names. */
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
  const { pairing } = a.evaluation ?? {};
  const unpaired = ({ method, metric }: Difference) =>
    method === 'intervals' && pairing?.metrics.includes(metric) ? (pairing.whyNot?.(a, b) ?? null) : null;
  return differencesOf(a, b).map((difference) => ({
    ...difference,
    eval: a.eval,
    modelA: a.model,
    modelB: b.model,
    fileA: a.file,
    fileB: b.file,
    dataset: a.dataset,
    metricName: metricName(a, difference.metric),
    unpaired: unpaired(difference),
    ...earlierOf(a, b),
    settingsA: settingsAsRecorded(a.record),
    settingsB: settingsAsRecorded(b.record),
  }));
}

function earlierOf(a: ResultRow, b: ResultRow): Pick<NamedDifference, 'earlier'> {
  if (!haveIntervalsOfOtherVersions(a, b)) return {};
  return { earlier: [a, b].filter((row) => fieldOf(row, 'protocol.version') === 1).map(({ file }) => file) };
}

/** How tables call a figure, or a figure of pairs alone. */
export function metricName({ evaluation, figures }: ResultRow, metric: string): string {
  const title = figures.get(metric)?.declared.title ?? evaluation?.pairing?.titles?.[metric];
  return title ?? plainText(metric);
}
