/** Results: read, written, printed, compared, held to limits and followed over time, of every evaluation that is known or was registered. */
import type { NamedDifference } from '../comparison/compared-rows.js';
import type { GateRecord } from '../comparison/gate/checks.js';
import type { GateableFigure } from '../comparison/gate/figures.js';
import { UsageError } from '../errors.js';
import type { Trend } from '../history/trends.js';
import type { Format, Screen } from '../printing/formats.js';
import type { Evaluation, ResultRow } from '../records/evaluation.js';
import type { AnyResult, ResultsFile } from '../records/record.js';

/**
 * Reads a results file. Rows of evaluations that are not known are refused; {@link readRows} takes them.
 * @throws FileError that names the place of what is wrong
 */
export async function readResults(path: string): Promise<ResultsFile> {
  const { readResults: read } = await import('../records/results-file.js');
  return read(path, await known());
}

/**
 * Reads a results file as rows of figures, those of evaluations of other versions included.
 * @throws FileError that names the place of what is wrong, and where there are no results
 */
export async function readRows(path: string): Promise<ResultRow[]> {
  const { readRows: read } = await import('../records/rows.js');
  return read(path, await known());
}

/** Makes a results file. @param results of one evaluation or several */
export async function resultsFile<R extends AnyResult>(results: R[]): Promise<ResultsFile<R>> {
  const { resultsFile: file } = await import('../records/record.js');
  return file(results);
}

/**
 * The text of a results file in a format: `table`, `csv`, `json`, `markdown` or `html`.
 * @param screen width in columns of a terminal, and whether it takes colour: by default 100 and no colour; for tables
 */
export async function formatResults(file: ResultsFile, format: Format, screen?: Screen): Promise<string> {
  const { formatResults: formatted } = await import('../printing/formats.js');
  return formatted(file, format, await known(), screen);
}

/**
 * Writes a results file, whole or not at all.
 * @param format by default what the ending says: .json, .csv, .md, .txt (a table) or .html
 * @throws UsageError for an ending that says nothing, FileError where it cannot be written
 */
export async function writeResults(file: ResultsFile, path: string, format?: Format): Promise<void> {
  const { formatOfEnding, replaceFile } = await import('../printing/output.js');
  await replaceFile(path, await formatResults(file, format ?? formatOfEnding(path)));
}

/**
 * Differences between matching rows of two files, first minus second, with intervals: sequence by sequence or sample by
 * sample where both hold them, else by the errors of the figures.
 * @param a paths of results files, or rows   @throws FileError, UsageError for rows of different protocols or texts
 */
export async function compareResults(
  a: string | readonly ResultRow[],
  b: string | readonly ResultRow[],
): Promise<{ differences: NamedDifference[]; notices: string[] }> {
  const { compareRows } = await import('../comparison/compared-rows.js');
  const rows = async (from: typeof a) => (typeof from === 'string' ? readRows(from) : from);
  return compareRows(await rows(a), await rows(b));
}

/**
 * Holds results to the limits of a gates file.
 * @param results paths of results files   @returns every check with its verdict: pass, fail or undecided
 * @throws FileError, UsageError
 */
export async function checkGates(
  config: string,
  {
    results,
    baseline,
    undecidedAs,
  }: { results: readonly string[]; baseline?: readonly string[]; undecidedAs?: 'pass' | 'fail' },
): Promise<GateRecord> {
  const { readGates } = await import('../comparison/gate/config.js');
  const { checkGates: check } = await import('../comparison/gate/checks.js');
  const gates = readGates(config);
  const rowsIn = async (paths: readonly string[]) => (await Promise.all(paths.map(readRows))).flat();
  const rows = await rowsIn(results);
  const limits = gates.value.gates.length;
  if (limits * rows.length > MOST_CHECKS) {
    throw new UsageError({
      code: 'too-many-checks',
      message: `${limits} gates over ${rows.length} results are more than ${MOST_CHECKS} checks.`,
      hint: 'Give fewer results at a time, or gates that hold for many rows.',
    });
  }
  return check(gates, rows, baseline ? await rowsIn(baseline) : null, undecidedAs);
}

/** What gates can limit: the figures of rows, or by default those of every evaluation that is known. */
export async function gateableFigures(results: readonly string[] = []): Promise<GateableFigure[]> {
  const { figuresOfEvaluations, figuresOfRows } = await import('../comparison/gate/figures.js');
  if (results.length === 0) return figuresOfEvaluations((await known()).all);
  return figuresOfRows((await Promise.all(results.map(readRows))).flat());
}

/** The rows that gates apply to. */
const MOST_CHECKS = 250_000;

/**
 * Adds an evaluation: readers, printers, reports, comparisons and gates then know its results. `duo-eval/evaluation` exports the
 * parts of a declaration.
 * @throws UsageError where its name is taken, or its parts do not fit together
 */
export async function registerEvaluation<R extends AnyResult>(evaluation: Evaluation<R>): Promise<void> {
  (await known()).register(evaluation);
}

async function known() {
  return (await import('../evals/registry.js')).EVALUATIONS;
}

/** Which history is read, and which of its trends. */
export interface HistoryTask {
  /** The path is a file of this branch; by default it is a folder of result files. */
  branch?: string;
  /** Patterns, in which `*` stands for anything; by default all. */
  models?: readonly string[];
  datasets?: readonly string[];
  /** By default the first figure of each row. */
  metrics?: readonly string[];
  /** Only so many of the last runs. */
  last?: number;
}

/** @throws FileError, DataError where there is no history, UsageError where no row of it matches */
export async function readTrends(path: string, task: HistoryTask = {}): Promise<Trend[]> {
  const { branch, models, datasets, metrics = [], last } = task;
  const evaluations = await known();
  const { matches } = await import('../comparison/gate/config.js');
  const { entriesOfBranch, entriesOfFolder } = await import('../history/entries.js');
  const { trendsOf } = await import('../history/trends.js');
  const entries =
    branch === undefined
      ? entriesOfFolder(path, evaluations)
      : await entriesOfBranch(branch, path, evaluations);
  const chosen = last === undefined ? entries : entries.slice(-last);
  const fits = (name: string, patterns?: readonly string[]) =>
    !patterns || patterns.some((one) => matches(one, name));
  const trends = trendsOf(chosen, {
    isOfInterest: ({ model, dataset }) => fits(model, models) && fits(dataset, datasets),
    metrics,
  }).filter(({ points }) => points.length > 0);
  if (trends.length > 0) return trends;
  const figures = new Set(chosen.flatMap(({ rows }) => rows.flatMap((row) => [...row.figures.keys()])));
  throw new UsageError({
    code: 'no-such-trend',
    message: `No row of ${path} has the models, data sets and figures that were asked for.`,
    hint: `Its figures are ${[...figures].slice(0, 20).join(', ')}.`,
  });
}
