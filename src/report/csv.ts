/** A report as CSV: one line per figure under a fixed header, for rows of any evaluation; empty where unknown. */
import { unitsOfFigure } from '../comparison/difference.js';
import type { Cell } from '../printing/columns.js';
import { csvTable } from '../printing/csv.js';
import { fieldOf, type ResultRow, type RowFigure } from '../records/evaluation.js';

type Column = readonly [string, (row: ResultRow, metric: string, figure: RowFigure) => Cell];

const field =
  (path: string): Column[1] =>
  (row) => {
    const value = fieldOf(row, path);
    return typeof value === 'string' || typeof value === 'number' ? value : null;
  };

/** The first known of these fields; `frontier` records some of them at other paths. */
const first =
  (...paths: string[]): Column[1] =>
  (row, metric, figure) =>
    paths.map((path) => field(path)(row, metric, figure)).find((value) => value !== null) ?? null;

const optionsOf: Column[1] = (row) => {
  const options = fieldOf(row, 'samples.sampler.options') ?? fieldOf(row, 'sampler.options');
  return options ? JSON.stringify(options) : null;
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
  ['length', first('protocol.length', 'samples.length', 'length')],
  ['draws', field('protocol.draws')],
  ['seed', field('protocol.seed')],
  ['sampler', first('samples.sampler.name', 'sampler.name')],
  ['steps', first('samples.sampler.steps', 'sampler.steps')],
  ['nfe', first('samples.nfe', 'nfe')],
  ['temperature', first('samples.temperature', 'temperature')],
  ['judge', field('judge.name')],
  ['model_sha256', field('model.sha256')],
  ['dataset_sha256', field('dataset.sha256')],
  ['tool', field('environment.tool')],
  ['provider', field('environment.provider')],
  ['sampler_options', optionsOf],
  ['top_k', first('samples.topK', 'topK')],
  ['top_p', first('samples.topP', 'topP')],
  ['sample_seed', field('samples.seed')],
  ['samples', field('samples.count')],
];

/** The fixed header. */
export const REPORT_CSV_HEADER: readonly string[] = COLUMNS.map(([name]) => name);

export function reportCsv(rows: readonly ResultRow[]): string {
  const lines = rows.flatMap((row) =>
    [...row.figures].map(([metric, figure]) => COLUMNS.map(([, cell]) => cell(row, metric, figure))),
  );
  return csvTable([REPORT_CSV_HEADER, ...lines]);
}
