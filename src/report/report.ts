/** The contents of a report in any format: rows, their differences, where they ran, and how to reproduce them. */

import { fieldsThatDiffer } from '../comparison/comparability.js';
import {
  apartOfPairs,
  type NamedDifference,
  namedDifference,
  namedDifferences,
} from '../comparison/compared-rows.js';
import { UsageError } from '../errors.js';
import type { Heading } from '../printing/columns.js';
import type { ForestPlot } from '../printing/html/forest-plot.js';
import { type Settings, settingsOf } from '../records/distinctions.js';
import type { ResultRow, TitledPlot } from '../records/evaluation.js';
import type { ResultsFile } from '../records/record.js';

export interface Table {
  head: readonly Heading[];
  rows: readonly string[][];
}

export interface Section {
  title: string;
  tables: readonly Table[];
  notes: readonly string[];
  plots?: readonly TitledPlot[];
  forests?: readonly ForestPlot[];
}

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
  /** Whether to add the papers' figures. */
  published: boolean;
  /** Whether it is the table of a paper alone. */
  paper?: boolean;
}

/**
 * Compares every two models on one data set, or with one sampler and number of steps, under one protocol; and the variants of
 * one model. Of runs with several seeds, those with equal seeds are compared: a pair is omitted where another pair of the same
 * two models differs in fewer settings. Where rows do not hold their sequences, the comparison in their file is used.
 */
export function differencesWithin(
  rows: readonly ResultRow[],
  known: readonly KnownComparison[],
): NamedDifference[] {
  const settings = new Map(rows.map((row) => [row, settingsOf(row.record)]));
  const ofPlace = groupsOf(rows, placeOf);
  const ofModel = groupsOf(rows, placeAndModelOf);
  for (const group of ofPlace.values()) if (group.length > MOST_COMPARED) throw tooMany(group);
  const pairs = rows.flatMap((a) => {
    // `ofPlace` groups these very rows
    const group = ofPlace.get(placeOf(a))!;
    return group
      .slice(group.indexOf(a) + 1)
      .filter((b) => fieldsThatDiffer(a, b).length === 0 && isNearest(a, b, settings, ofModel))
      .map((b) => ({ a, b }));
  });
  const apart = apartOfPairs(pairs);
  return pairs.flatMap(({ a, b }, i) => {
    const found = namedDifferences(a, b).filter(({ metric }) => !a.figures.get(metric)?.declared.isSecondary);
    const recorded = found[0]?.method === 'intervals' ? knownBetween(a, b, known) : null;
    return (recorded ? [recorded] : found).map((one) => ({ ...one, apart: apart[i] }));
  });
}

/** Maximum number of rows per evaluation and data set, since every two are compared. */
const MOST_COMPARED = 200;

const placeOf = (row: ResultRow) => JSON.stringify([row.eval, row.dataset]);
const placeAndModelOf = (row: ResultRow) => JSON.stringify([row.eval, row.dataset, row.model, row.file]);

function groupsOf(
  rows: readonly ResultRow[],
  keyOf: (row: ResultRow) => string,
): ReadonlyMap<string, readonly ResultRow[]> {
  const groups = new Map<string, ResultRow[]>();
  for (const row of rows) {
    const group = groups.get(keyOf(row));
    if (group) group.push(row);
    else groups.set(keyOf(row), [row]);
  }
  return groups;
}

function tooMany([{ eval: evaluation, dataset }, ...others]: readonly ResultRow[]): UsageError {
  return new UsageError({
    code: 'too-many-to-compare',
    message: `There are ${others.length + 1} results of ${evaluation} on ${dataset}; at most ${MOST_COMPARED} are compared, each two.`,
    hint: 'Choose some with --model, or take a form without differences: --format csv.',
  });
}

/** Whether no other row of either model and file is nearer to the other row, and the two are not mere repeats. */
function isNearest(
  a: ResultRow,
  b: ResultRow,
  settings: ReadonlyMap<ResultRow, Settings>,
  ofModel: ReadonlyMap<string, readonly ResultRow[]>,
): boolean {
  const between = (one: ResultRow, other: ResultRow) =>
    // `settings` has every row
    namesBetween(settings.get(one)!, settings.get(other)!);
  const apart = between(a, b);
  if (apart.length === 0) return true;
  if (isOneModel(a, b) && apart.every((name) => name === 'seed')) return false;
  const isNearer = (one: ResultRow, other: ResultRow) => {
    const names = between(one, other);
    return names.length < apart.length && names.every((name) => apart.includes(name));
  };
  const others = (row: ResultRow) =>
    // `ofModel` groups these very rows
    ofModel.get(placeAndModelOf(row))!.filter((one) => one !== a && one !== b);
  return !others(b).some((row) => isNearer(a, row)) && !others(a).some((row) => isNearer(row, b));
}

const isOneModel = (a: ResultRow, b: ResultRow) => a.model === b.model && a.file === b.file;

/** Settings in which two rows differ; a setting that one of them lacks does not count. */
function namesBetween(a: Settings, b: Settings): string[] {
  return [...a.keys()].filter((name) => b.has(name) && a.get(name) !== b.get(name));
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

export function comparisonsOf(file: ResultsFile, path: string): KnownComparison[] {
  return file.comparisons.map((one) => ({ ...one, file: path }));
}

function knownBetween(a: ResultRow, b: ResultRow, known: readonly KnownComparison[]): NamedDifference | null {
  // What a file compares is what only pairs have.
  const metric = a.evaluation?.pairing?.headline;
  if (metric === undefined || a.file !== b.file) return null;
  const found = known.find(
    (one) => one.file === a.file && one.a === a.model && one.b === b.model && one.dataset === a.dataset,
  );
  if (typeof found?.deltaNll !== 'number' || typeof found.stderr !== 'number') return null;
  const ci95 = Array.isArray(found.ci95) ? ([found.ci95[0], found.ci95[1]] as [number, number]) : null;
  const { deltaNll: value, stderr } = found;
  return namedDifference(a, b, {
    metric,
    method: 'paired',
    sequences: null,
    a: null,
    b: null,
    value,
    stderr,
    ci95,
  });
}

/** Where rows ran: each fact once, with its models. */
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
