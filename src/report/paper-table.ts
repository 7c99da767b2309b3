/**
 * The table of a paper: a line per model, a column per data set, perplexities with their 95% intervals, the best of each data set and what
 * is not surely worse, by paired tests where rows hold their sequences; and on how many data sets a model beats the autoregressive one.
 * For a terminal, as CSV, in LaTeX, and as a section of a report.
 */
import { fieldsThatDiffer } from '../comparison/comparability.js';
import { type Difference, differencesOf } from '../comparison/difference.js';
import type { Cell, Heading } from '../printing/columns.js';
import { csvTable } from '../printing/csv.js';
import { dim, type FittedColumn, fittedTable, naturalWidth, totalWidth } from '../printing/layout.js';
import { intervalOf, valueAlone } from '../printing/numbers.js';
import type { Screen } from '../printing/table.js';
import { distinctionsOf, settingsOf } from '../records/distinctions.js';
import { fieldOf, type ResultRow } from '../records/evaluation.js';
import { plainText, wrap } from '../terminal-text.js';
import type { Section } from './report.js';

/** The figure of its cells. */
const FIGURE = 'ppl';

interface PaperCell {
  row: ResultRow;
  /** `best`, or `tied` where the 95% interval of the difference from the best holds 0; null: worse, or not known. */
  rank: 'best' | 'tied' | null;
}

/** On how many data sets a model is better: as measured, and the least and the most that the 95% intervals allow. */
interface Wins {
  better: number;
  of: number;
  least: number;
  most: number;
}

interface PaperLine {
  model: string;
  cells: readonly (PaperCell | null)[];
  /** Null for the baseline itself, where there is none, and where nothing compares with it. */
  beats: Wins | null;
}

interface PaperTable {
  datasets: readonly string[];
  lines: readonly PaperLine[];
  /** The autoregressive model that lines are counted against; null: none, or several. */
  baseline: string | null;
}

/** Null where fewer than two models share the table, or there is no perplexity. */
function paperTable(rows: readonly ResultRow[]): PaperTable | null {
  const scored = rows.filter(({ figures }) => typeof figures.get(FIGURE)?.value === 'number');
  const settings = distinctionsOf(
    scored,
    ({ model, dataset }) => JSON.stringify([model, dataset]),
    settingsOfRow,
  );
  const named = scored.map((row, i) => ({
    row,
    model: settings[i] ? `${row.model}, ${settings[i]}` : row.model,
  }));
  const models = [...new Set(named.map(({ model }) => model))];
  if (models.length < 2) return null;
  const datasets = [...new Set(scored.map(({ dataset }) => dataset))];
  const rowOf = (model: string, dataset: string) =>
    named.find((one) => one.model === model && one.row.dataset === dataset)?.row ?? null;
  const bestOf = new Map(
    datasets.map((dataset) => [dataset, best(models.flatMap((model) => rowOf(model, dataset) ?? []))]),
  );
  const causal = models.filter((model) => named.some((one) => one.model === model && isCausal(one.row)));
  const baseline = causal.length === 1 ? causal[0] : null;
  return {
    datasets,
    baseline,
    lines: models.map((model) => ({
      model,
      cells: datasets.map((dataset) => {
        const row = rowOf(model, dataset);
        return row && { row, rank: rankOf(row, bestOf.get(dataset) ?? null) };
      }),
      beats:
        baseline === null || model === baseline
          ? null
          : winsOf(datasets.map((dataset) => [rowOf(model, dataset), rowOf(baseline, dataset)])),
    })),
  };
}

const settingsOfRow = ({ record, file }: ResultRow) => new Map([...settingsOf(record), ['file', file]]);
const isCausal = (row: ResultRow) => fieldOf(row, 'model.family') === 'ar';
const perplexityOf = (row: ResultRow): number => row.figures.get(FIGURE)?.value ?? Number.POSITIVE_INFINITY;

const best = (rows: readonly ResultRow[]): ResultRow | null =>
  rows.reduce<ResultRow | null>(
    (least, row) => (least && perplexityOf(least) <= perplexityOf(row) ? least : row),
    null,
  );

function rankOf(row: ResultRow, first: ResultRow | null): PaperCell['rank'] {
  if (row === first) return 'best';
  const ci95 = first && differenceBetween(row, first)?.ci95;
  return ci95 && ci95[0] <= 0 && ci95[1] >= 0 ? 'tied' : null;
}

/** Nats per token, first minus second; null where the two do not compare. */
function differenceBetween(a: ResultRow, b: ResultRow): Difference | null {
  if (fieldsThatDiffer(a, b).length > 0) return null;
  return differencesOf(a, b)[0] ?? null;
}

/** @param pairs a model and the baseline on each data set */
function winsOf(pairs: readonly (readonly [ResultRow | null, ResultRow | null])[]): Wins | null {
  const differences = pairs.flatMap(([a, b]) => (a && b && differenceBetween(a, b)) ?? []);
  const known = differences.filter(({ value }) => value !== null);
  if (known.length === 0) return null;
  const better = known.filter(({ value }) => (value ?? 0) < 0).length;
  const surely = known.filter(({ ci95 }) => ci95 !== null && ci95[1] < 0).length;
  const surelyNot = known.filter(({ ci95 }) => ci95 !== null && ci95[0] > 0).length;
  return { better, of: known.length, least: surely, most: known.length - surelyNot };
}

/** `5 of 7 (4 to 6)` */
const winsText = (wins: Wins | null): string =>
  wins ? `${wins.better} of ${wins.of} (${wins.least} to ${wins.most})` : '';

const MARKS = { best: '* ', tied: '~ ' } as const;
const UNKNOWN = { value: null, stderr: null, ci95: null };
const figureOf = ({ row }: PaperCell) => row.figures.get(FIGURE) ?? UNKNOWN;

/** `* 27.1` */
const valueText = (cell: PaperCell | null): string =>
  cell ? `${cell.rank ? MARKS[cell.rank] : ''}${valueAlone(figureOf(cell))}` : '';
/** `[25.9, 28.4]` */
const intervalText = (cell: PaperCell | null): string => (cell ? intervalOf(figureOf(cell)) : '');

/** The section of a report; null where there is no such table. */
export function paperSection(rows: readonly ResultRow[]): Section | null {
  const table = paperTable(rows);
  if (!table) return null;
  const { datasets, lines, baseline } = table;
  const head: Heading[] = [
    ['model', 'left'],
    ...datasets.map((dataset): Heading => [plainText(dataset), 'right']),
    ...(baseline === null ? [] : [[plainText(`beats ${baseline} on`), 'left'] as const]),
  ];
  return {
    title: 'Perplexity by data set',
    tables: [
      {
        head,
        rows: lines.map(({ model, cells, beats }) => [
          plainText(model),
          ...cells.map((cell) => [valueText(cell), intervalText(cell)].filter(Boolean).join(' ')),
          ...(baseline === null ? [] : [winsText(beats)]),
        ]),
      },
    ],
    notes: notesOf(table),
  };
}

function notesOf({ baseline, lines }: PaperTable): string[] {
  const isOpen = lines.some(({ cells }) => cells.some((cell) => cell && figureOf(cell).ci95 === null));
  return [
    `Brackets are 95% intervals${isOpen ? '; a figure without them has none' : ''}. * is the best of a data set, ~ is not surely worse: the 95% interval of the difference, over the same sequences where files hold them, holds 0.`,
    ...(baseline === null
      ? []
      : [
          `Beside the count of data sets on which a model beats ${plainText(baseline)}: how few and how many the 95% intervals allow. Each interval is for itself.`,
        ]),
  ];
}

/** For a terminal: each interval below its figure; data sets that have no room stand in further tables below. Null where there is no such table. */
export function paperText(
  rows: readonly ResultRow[],
  screen: Screen = { width: 100, color: false },
): string | null {
  const table = paperTable(rows);
  if (!table) return null;
  const { datasets, lines, baseline } = table;
  const twoLines = (top: string, below: string): string[] => [top, below];
  const models = lines.flatMap(({ model }) => twoLines(plainText(model), ''));
  const columns = [
    ...datasets.map((dataset, at) => ({
      column: { title: plainText(dataset), align: 'right' } as FittedColumn,
      cells: lines.flatMap(({ cells }) => twoLines(valueText(cells[at]), intervalText(cells[at]))),
    })),
    ...(baseline === null
      ? []
      : [
          {
            column: { title: plainText(`beats ${baseline} on`), align: 'left', wraps: true } as FittedColumn,
            cells: lines.flatMap(({ beats }) => twoLines(winsText(beats), '')),
          },
        ]),
  ];
  const name: FittedColumn = { title: 'model', align: 'left', least: 8, most: 30 };
  const widthOf = ({ column, cells }: (typeof columns)[number]) => naturalWidth(column, cells);
  const blocks: (typeof columns)[] = [];
  for (const one of columns) {
    const block = blocks.at(-1);
    const all = [naturalWidth(name, models), ...(block ?? []).map(widthOf), widthOf(one)];
    if (block && totalWidth(all) <= screen.width) block.push(one);
    else blocks.push([one]);
  }
  const tables = blocks.map((block) => {
    const all = models.map((model, i) => [model, ...block.map(({ cells }) => cells[i])]);
    const said = all.filter((cells) => cells.some((cell) => cell !== ''));
    return fittedTable([name, ...block.map(({ column }) => column)], said, screen);
  });
  const notes = notesOf(table).flatMap((note) => wrap(note, screen.width));
  const dimmed = notes.map((line) => (screen.color ? dim(line) : line));
  return `${[...tables, dimmed.join('\n')].join('\n\n')}\n`;
}

/** A line per model, four columns per data set; empty where unknown. Null where there is no such table. */
export function paperCsv(rows: readonly ResultRow[]): string | null {
  const table = paperTable(rows);
  if (!table) return null;
  const { datasets, lines, baseline } = table;
  const ofDataset = (dataset: string) => ['', '_ci95_low', '_ci95_high', '_rank'].map((end) => dataset + end);
  const ofBaseline = baseline === null ? [] : ['baseline', 'beats', 'beats_of', 'beats_least', 'beats_most'];
  return csvTable([
    ['model', ...datasets.flatMap(ofDataset), ...ofBaseline],
    ...lines.map(({ model, cells, beats }): Cell[] => [
      model,
      ...cells.flatMap((cell): Cell[] => {
        const { value, ci95 } = cell ? figureOf(cell) : UNKNOWN;
        return [value, ci95?.[0], ci95?.[1], cell?.rank];
      }),
      ...(baseline === null ? [] : [baseline, beats?.better, beats?.of, beats?.least, beats?.most]),
    ]),
  ]);
}

/** The same for LaTeX, with the package booktabs: best in bold, ties underlined, intervals in small print. */
export function paperLatex(rows: readonly ResultRow[]): string | null {
  const table = paperTable(rows);
  if (!table) return null;
  const { datasets, lines, baseline } = table;
  const width = datasets.length + 1 + (baseline === null ? 0 : 1);
  const marked = (cell: PaperCell | null) => {
    if (!cell) return '--';
    const value = valueAlone(figureOf(cell));
    const strong =
      cell.rank === 'best'
        ? `$\\mathbf{${value}}$`
        : cell.rank === 'tied'
          ? `\\underline{$${value}$}`
          : `$${value}$`;
    const interval = intervalText(cell);
    return interval === '' ? strong : `${strong} {\\scriptsize $${interval}$}`;
  };
  const titles = ['model', ...datasets, ...(baseline === null ? [] : [`beats ${baseline} on`])];
  return [
    ...notesOf(table).map(
      (note) =>
        `% ${note.replace('* is the best', 'Bold is the best').replace('~ is not', 'underlined is not')}`,
    ),
    '% \\usepackage{booktabs}',
    `\\begin{tabular}{l${'r'.repeat(datasets.length)}${'l'.repeat(width - 1 - datasets.length)}}`,
    '\\toprule',
    `${titles.map(latexText).join(' & ')} \\\\`,
    '\\midrule',
    ...lines.map(
      ({ model, cells, beats }) =>
        `${[latexText(model), ...cells.map(marked), ...(baseline === null ? [] : [winsText(beats)])].join(' & ')} \\\\`,
    ),
    '\\bottomrule',
    '\\end{tabular}',
    '',
  ].join('\n');
}

const LATEX: Readonly<Record<string, string>> = {
  '\\': '\\textbackslash{}',
  '~': '\\textasciitilde{}',
  '^': '\\textasciicircum{}',
};

/** Names of others as LaTeX prints them. */
const latexText = (name: string): string =>
  plainText(name).replace(/[\\~^&%$#_{}]/g, (sign) => LATEX[sign] ?? `\\${sign}`);
