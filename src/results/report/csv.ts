/** A report as CSV: a line a figure under a fixed header, whatever evaluations the rows are of; empty where unknown. */
import { stringify } from 'csv-stringify/sync';
import { unitsOfFigure } from '../difference.js';
import { type Cell, csvCell } from '../printers/csv.js';
import { fieldOf, type ResultRow, type RowFigure } from '../rows.js';

type Column = readonly [string, (row: ResultRow, metric: string, figure: RowFigure) => Cell];

const field =
  (path: string): Column[1] =>
  (row) => {
    const value = fieldOf(row, path);
    return typeof value === 'string' || typeof value === 'number' ? value : null;
  };

const COLUMNS: readonly Column[] = [
  ['file', ({ file }) => file],
  ['eval', (row) => row.eval],
  ['model', ({ model }) => model],
  ['family', field('model.family')],
  ['dataset', ({ dataset }) => dataset],
  ['metric', (_row, metric) => metric],
  ['value', (_row, _metric, { value }) => value],
  ['stderr', (_row, _metric, { stderr }) => stderr],
  ['ci95_low', (_row, _metric, { ci95 }) => ci95?.[0]],
  ['ci95_high', (_row, _metric, { ci95 }) => ci95?.[1]],
  ['mc_stderr', (_row, _metric, { mcStderr }) => mcStderr],
  ['units', unitsOfFigure],
  ['protocol', field('protocol.name')],
  ['protocol_version', field('protocol.version')],
  ['length', (row) => field('protocol.length')(row, '', NONE) ?? field('samples.length')(row, '', NONE)],
  ['draws', field('protocol.draws')],
  ['seed', field('protocol.seed')],
  ['sampler', field('samples.sampler.name')],
  ['steps', field('samples.sampler.steps')],
  ['nfe', field('samples.nfe')],
  ['temperature', field('samples.temperature')],
  ['judge', field('judge.name')],
  ['model_sha256', field('model.sha256')],
  ['dataset_sha256', field('dataset.sha256')],
  ['tool', field('environment.tool')],
  ['provider', field('environment.provider')],
];
const NONE: RowFigure = { value: null, stderr: null, ci95: null, mcStderr: null };

/** The fixed header. */
export const REPORT_CSV_HEADER: readonly string[] = COLUMNS.map(([name]) => name);

export function reportCsv(rows: readonly ResultRow[]): string {
  const lines = rows.flatMap((row) =>
    [...row.figures].map(([metric, figure]) => COLUMNS.map(([, cell]) => csvCell(cell(row, metric, figure)))),
  );
  return stringify([[...REPORT_CSV_HEADER], ...lines]);
}
