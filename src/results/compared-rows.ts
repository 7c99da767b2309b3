/** All rows of two files that answer to each other, compared, and which do not. */
import { nameOf } from './comparability.js';
import { type Difference, differencesOf } from './difference.js';
import { whyNotPaired } from './paired-samples.js';
import { matchRows } from './row-matching.js';
import type { ResultRow } from './rows.js';

/** A difference and the rows it is of. */
export interface NamedDifference extends Difference {
  eval: string;
  modelA: string;
  modelB: string;
  fileA: string;
  fileB: string;
  dataset: string;
  /** Why what `gen` says of samples is not paired, as the end of a sentence; null where it is, or of other evaluations. */
  unpaired?: string | null;
}

/** @throws UsageError when rows that answer to each other are not of one protocol */
export function compareRows(
  a: readonly ResultRow[],
  b: readonly ResultRow[],
): { differences: NamedDifference[]; notices: string[] } {
  const { pairs, aloneInA, aloneInB } = matchRows(a, b);
  return {
    differences: pairs.flatMap((pair) => namedDifferences(pair.a, pair.b)),
    notices: [...aloneInA, ...aloneInB].map((row) => `${nameOf(row)}: nothing to compare it with.`),
  };
}

export function namedDifferences(a: ResultRow, b: ResultRow): NamedDifference[] {
  const unpaired = a.eval === 'gen' ? whyNotPaired(a, b) : null;
  return differencesOf(a, b).map((difference) => ({
    ...difference,
    eval: a.eval,
    modelA: a.model,
    modelB: b.model,
    fileA: a.file,
    fileB: b.file,
    dataset: a.dataset,
    unpaired,
  }));
}
