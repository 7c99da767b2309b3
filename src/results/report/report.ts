/** What a report tells, whatever form it is written in: rows, how they differ, where they ran, and how to repeat them. */
import { fieldsThatDiffer } from '../comparability.js';
import { type NamedDifference, namedDifferences } from '../compared-rows.js';
import type { ResultRow, RowsFile } from '../rows.js';

/** Some of the texts of a samples file. */
export interface SampleTexts {
  file: string;
  model: string;
  /** `ancestral, 32 steps, temperature 1`. */
  sampling: string;
  count: number;
  texts: readonly string[];
}

export interface Report {
  title: string;
  rows: readonly ResultRow[];
  differences: readonly NamedDifference[];
  samples: readonly SampleTexts[];
  /** Set the papers' figures beside. */
  published: boolean;
}

/** Of generated text these are compared; the rest says how, not how well. */
const COMPARED = new Set(['textNll', 'nll', 'bitsPerByte', 'genNll', 'entropy']);

/**
 * Every two models on one data set, or drawn by one sampler in as many steps, by one protocol. What a file says of its own pairs is taken from there where rows do not
 * hold their sequences.
 */
export function differencesWithin(
  rows: readonly ResultRow[],
  known: readonly KnownComparison[],
): NamedDifference[] {
  const pairs = rows.flatMap((a, i) => rows.slice(i + 1).map((b): [ResultRow, ResultRow] => [a, b]));
  const differences: NamedDifference[] = [];
  for (const [a, b] of pairs) {
    if (a.eval !== b.eval || a.dataset !== b.dataset || fieldsThatDiffer(a, b).length > 0) continue;
    const found = namedDifferences(a, b).filter(({ metric }) => COMPARED.has(metric));
    const told = found[0]?.method === 'intervals' ? knownBetween(a, b, known) : null;
    differences.push(...(told ? [told] : found));
  }
  return differences;
}

/** A comparison that a file holds. */
export interface KnownComparison {
  file: string;
  a: string;
  b: string;
  dataset: string;
  deltaNll?: unknown;
  stderr?: unknown;
  ci95?: unknown;
}

export function comparisonsOf(file: RowsFile, path: string): KnownComparison[] {
  return file.comparisons.map((one) => ({ ...one, file: path }));
}

function knownBetween(a: ResultRow, b: ResultRow, known: readonly KnownComparison[]): NamedDifference | null {
  if (a.eval !== 'ppl' || a.file !== b.file) return null;
  const found = known.find(
    (one) => one.file === a.file && one.a === a.model && one.b === b.model && one.dataset === a.dataset,
  );
  if (typeof found?.deltaNll !== 'number' || typeof found.stderr !== 'number') return null;
  const ci95 = Array.isArray(found.ci95) ? ([found.ci95[0], found.ci95[1]] as [number, number]) : null;
  return {
    metric: 'textNll',
    method: 'paired',
    sequences: null,
    a: null,
    b: null,
    value: found.deltaNll,
    stderr: found.stderr,
    ci95,
    eval: a.eval,
    modelA: a.model,
    modelB: b.model,
    fileA: a.file,
    fileB: b.file,
    dataset: a.dataset,
  };
}

/** Facts of where rows ran, each once, with the models it is of. */
export function environmentsOf(
  rows: readonly ResultRow[],
): { facts: [string, string][]; models: string[] }[] {
  const alike = new Map<string, { facts: [string, string][]; models: Set<string> }>();
  for (const { record, model } of rows) {
    const facts = Object.entries(record.environment ?? {})
      .filter(([name, value]) => value !== null && value !== undefined && name !== 'batch')
      .map(([name, value]): [string, string] => [name, String(value)]);
    const key = JSON.stringify(facts);
    const group = alike.get(key) ?? { facts, models: new Set() };
    group.models.add(model);
    alike.set(key, group);
  }
  return [...alike.values()].map(({ facts, models }) => ({ facts, models: [...models] }));
}
