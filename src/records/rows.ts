/** Reads results files of any evaluation as rows of figures. */
import { z } from 'zod';
import type { Evaluations, ResultRow, RowFigure } from './evaluation.js';
import { type AnyFigure, part } from './figures.js';
import { plausibleFigure } from './plausible.js';
import { type AnyResult, anyResult, type Comparison, comparisonRecord, SCHEMA_VERSION } from './record.js';
import { invalidResults, parseResultsJson, readResultsJson, refusal } from './results-file.js';

const rowsFile = part({
  schemaVersion: z.literal(SCHEMA_VERSION),
  results: z.array(anyResult),
  comparisons: z.array(comparisonRecord).optional(),
});

export interface RowsFile {
  results: AnyResult[];
  comparisons: Comparison[];
}

/** @throws FileError when the file cannot be read, is not a results file of this version, or holds no results */
export function readRows(path: string, evaluations: Evaluations): ResultRow[] {
  return rowsOf(readRowsFile(path, evaluations), path, evaluations);
}

/** @throws FileError when the file cannot be read, or is not a results file of this version */
export function readRowsFile(path: string, evaluations: Evaluations): RowsFile {
  return checkedRows(readResultsJson(path), path, evaluations);
}

/** @param name what errors call the content   @throws FileError as {@link readRowsFile} */
export function parseRowsFile(
  content: Uint8Array | string,
  name: string,
  evaluations: Evaluations,
): RowsFile {
  return checkedRows(parseResultsJson(content, name), name, evaluations);
}

/** Rows of a known evaluation must match its schema; all others, the parts that every row has. */
function checkedRows(value: unknown, name: string, evaluations: Evaluations): RowsFile {
  const parsed = rowsFile.safeParse(value);
  if (!parsed.success) throw invalidResults(name, parsed.error.issues);
  const { results, comparisons = [] } = value as RowsFile;
  for (const [place, row] of results.entries()) {
    const checked = (evaluations.of(row.eval)?.record ?? unknownRow(evaluations)).safeParse(row);
    if (!checked.success) throw invalidResults(name, checked.error.issues, ['results', place]);
  }
  return { results, comparisons };
}

/** A row of an unknown evaluation: figures of a known name must be in their range. */
function unknownRow(evaluations: Evaluations) {
  return anyResult.superRefine(({ eval: evaluation, metrics }, context) => {
    for (const [name, one] of Object.entries(metrics))
      if (one)
        plausibleFigure(evaluations.figure(evaluation, name)?.range, { at: ['metrics', name] })(one, context);
  });
}

/** @throws FileError when there are no results in it */
export function rowsOf({ results }: RowsFile, path: string, evaluations: Evaluations): ResultRow[] {
  if (results.length === 0) throw refusal('no-results', `${path} holds no results.`);
  return results.map((one, place) => rowOf(one, { path, place }, evaluations));
}

function rowOf(
  record: AnyResult,
  { path, place }: { path: string; place: number },
  evaluations: Evaluations,
): ResultRow {
  const { model, samples, sampler, dataset } = record;
  return {
    file: path,
    place,
    eval: record.eval,
    evaluation: evaluations.of(record.eval),
    model: model?.name ?? samples?.name ?? dataset?.name ?? `result ${place + 1}`,
    dataset: drawnBy(samples?.sampler ?? sampler) ?? dataset?.name ?? samples?.name ?? '',
    figures: figuresOf(record, evaluations),
    record,
  };
}

/** The figures of `metrics`, then those that the evaluation declares elsewhere in the record. */
function figuresOf(record: AnyResult, evaluations: Evaluations): Map<string, RowFigure> {
  const figures = new Map<string, RowFigure>();
  const add = (name: string, one: AnyFigure | null | undefined) => {
    if (!one) return;
    const { stderr = null, ci95 = null, mcStderr = null } = one;
    const declared = evaluations.figure(record.eval, name) ?? {};
    figures.set(name, { ...one, stderr, ci95, mcStderr, declared });
  };
  for (const [name, one] of Object.entries(record.metrics)) add(name, one);
  for (const [name, { of }] of Object.entries(evaluations.of(record.eval)?.figures ?? {}))
    if (of) add(name, of(record));
  return figures;
}

/** `ancestral, 32 steps`; null where nothing was drawn. */
function drawnBy(sampler: AnyResult['sampler']): string | null {
  if (!sampler) return null;
  const { name, steps } = sampler;
  return steps === null || steps === undefined ? name : `${name}, ${steps} step${steps === 1 ? '' : 's'}`;
}
