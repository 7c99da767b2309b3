/** Results files of any evaluation, read as rows of figures. */
import type { Evaluations, ResultRow, RowFigure } from './evaluation.js';
import type { AnyFigure } from './figures.js';
import type { AnyResult, ResultsFile } from './record.js';
import { readResults, refusal } from './results-file.js';

/** @throws FileError when the file cannot be read, is not a results file of this version, or holds no results */
export function readRows(path: string, evaluations: Evaluations): ResultRow[] {
  return rowsOf(readResults(path, evaluations, { allowUnknown: true }), path, evaluations);
}

/** @throws FileError when there are no results in it */
export function rowsOf(
  { results }: Pick<ResultsFile, 'results'>,
  path: string,
  evaluations: Evaluations,
): ResultRow[] {
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
