/**
 * One row a result under a fixed header an evaluation: raw figures, an empty cell for unknown. Columns are only ever
 * added at the end. A file with results of several evaluations has the columns of each, those of one name shared.
 * Comparisons are not rows of this kind; the JSON holds them.
 */

import { stringify } from 'csv-stringify/sync';
import { FRONTIER_CSV } from '../evals/frontier/csv.js';
import { GENERATIVE_CSV } from '../evals/generation/csv.js';
import { BENCH_CSV } from '../evals/throughput/csv.js';
import type { Figure, PerplexityResult, Result, ResultsFile } from '../records/record.js';
import { plainText } from '../terminal-text.js';
import { ENVIRONMENT_CSV } from './environment-csv.js';

export type Cell = string | number | null | undefined;
/** Name and content of a column. */
export type CsvColumn<R extends Result> = readonly [string, (result: R) => Cell];

const FIGURES: readonly [string, (result: PerplexityResult) => Figure][] = [
  ['ppl', ({ metrics }) => metrics.ppl],
  ['nll', ({ metrics }) => metrics.nll],
  ['bits_per_byte', ({ metrics }) => metrics.bitsPerByte],
];

const PERPLEXITY_CSV: readonly CsvColumn<PerplexityResult>[] = [
  ['eval', (result) => result.eval],
  ['model', ({ model }) => model.name],
  ['family', ({ model }) => model.family],
  ['dataset', ({ dataset }) => dataset.name],
  ['split', ({ dataset }) => dataset.split],
  ...FIGURES.flatMap(([name, figure]): [string, (result: PerplexityResult) => Cell][] => [
    [name, (result) => figure(result).value],
    [`${name}_stderr`, (result) => figure(result).stderr],
    [`${name}_ci95_low`, (result) => figure(result).ci95?.[0]],
    [`${name}_ci95_high`, (result) => figure(result).ci95?.[1]],
    [`${name}_mc_stderr`, (result) => figure(result).mcStderr],
  ]),
  ['sequences', ({ cost }) => cost.sequences],
  ['tokens', ({ cost }) => cost.tokens],
  ['model_calls', ({ cost }) => cost.modelCalls],
  ['wall_seconds', ({ cost }) => cost.wallSeconds],
  ['tokens_per_second', ({ cost }) => cost.tokensPerSecond],
  ['protocol', ({ protocol }) => protocol.name],
  ['protocol_version', ({ protocol }) => protocol.version],
  ['length', ({ protocol }) => protocol.length],
  ['time_from', ({ protocol }) => protocol.timeRange?.[0]],
  ['time_to', ({ protocol }) => protocol.timeRange?.[1]],
  ['draws', ({ protocol }) => protocol.draws],
  ['estimator', ({ protocol }) => protocol.estimator],
  ['seed', ({ protocol }) => protocol.seed],
  ['tokenizer_sha256', ({ protocol }) => protocol.tokenizerSha256],
  ['dataset_texts', ({ dataset }) => dataset.texts],
  ['dataset_tokens', ({ dataset }) => dataset.tokens],
  ['dataset_sequences', ({ dataset }) => dataset.sequences],
  ['dataset_limit', ({ dataset }) => dataset.limit],
  ['dataset_sha256', ({ dataset }) => dataset.sha256],
  ['dataset_source_sha256', ({ dataset }) => dataset.sourceSha256],
  ['model_sha256', ({ model }) => model.sha256],
  ['model_path', ({ model }) => model.path],
  ...ENVIRONMENT_CSV,
  ['unit', ({ metrics }) => metrics.nll.unit],
  ['units', ({ metrics }) => metrics.nll.units],
  ['effective_units', ({ metrics }) => metrics.nll.effectiveUnits],
  ['block_length', ({ metrics }) => metrics.nll.blockLength],
  ['design_effect', ({ metrics }) => metrics.nll.designEffect],
  ['dataset_selection', ({ dataset }) => dataset.selection],
  ['mc_degrees_of_freedom', ({ protocol }) => protocol.mcDegreesOfFreedom],
];

const COLUMNS: { [E in Result['eval']]: readonly CsvColumn<Extract<Result, { eval: E }>>[] } = {
  ppl: PERPLEXITY_CSV,
  gen: GENERATIVE_CSV,
  bench: BENCH_CSV,
  frontier: FRONTIER_CSV,
};

export function formatCsv({ results }: ResultsFile): string {
  const evaluations = results.length === 0 ? ['ppl' as const] : results.map((result) => result.eval);
  const header = [...new Set(evaluations.flatMap((name) => COLUMNS[name].map(([column]) => column)))];
  const rows = results.map((result) => {
    const cells = cellsOf(result);
    return header.map((column) => cells.get(column));
  });
  return csvTable([header, ...rows]);
}

/** Every table in CSV is written so: {@link csvCell} by cell. */
export function csvTable(rows: readonly (readonly Cell[])[]): string {
  return stringify(rows.map((row) => row.map(csvCell)));
}

function cellsOf(result: Result): Map<string, Cell> {
  const columns = COLUMNS[result.eval] as readonly CsvColumn<Result>[];
  return new Map(columns.map(([name, cell]) => [name, cell(result)]));
}

/** Numbers raw; text on one line, and marked as text where a spreadsheet would read a formula. */
function csvCell(value: Cell): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : '';
  const text = plainText(value);
  return FORMULA.test(text) ? `'${text}` : text;
}

/** What is written starts one, in letters of either width, after whatever a spreadsheet may not see. */
const FORMULA = /^[\s\p{Cf}\p{Default_Ignorable_Code_Point}]*[=+\-@|＝＋－＠｜]/u;
