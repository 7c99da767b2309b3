/**
 * The table of a paper: a line per model, a column per data set, perplexities with their errors, the best of each data set and what is not
 * surely worse, by paired tests where rows hold their sequences; and on how many data sets a model beats the autoregressive one.
 */
import { fieldsThatDiffer } from '../comparison/comparability.js';
import { type Difference, differencesOf } from '../comparison/difference.js';
import type { Heading } from '../printing/columns.js';
import { valueWithError } from '../printing/numbers.js';
import { distinctionsOf, settingsOf } from '../records/distinctions.js';
import { fieldOf, type ResultRow } from '../records/evaluation.js';
import { plainText } from '../terminal-text.js';
import type { Section } from './report.js';

/** The figure of its cells. */
const FIGURE = 'ppl';

interface PaperCell {
  row: ResultRow;
  /** `best`, or `tied` where the 95% interval of the difference from the best holds 0; null: worse, or not known. */
  rank: 'best' | 'tied' | null;
}

interface PaperTable {
  datasets: readonly string[];
  lines: readonly {
    model: string;
    cells: readonly (PaperCell | null)[];
    /** `5 of 7 (4 to 6)`; empty for the baseline itself, and where there is none. */
    beats: string;
  }[];
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
          ? ''
          : countOf(datasets.map((dataset) => [rowOf(model, dataset), rowOf(baseline, dataset)])),
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

/** On how many data sets the first is better: as measured, and the least and the most that the 95% intervals allow. */
function countOf(pairs: readonly (readonly [ResultRow | null, ResultRow | null])[]): string {
  const differences = pairs.flatMap(([a, b]) => (a && b && differenceBetween(a, b)) ?? []);
  const known = differences.filter(({ value }) => value !== null);
  if (known.length === 0) return '';
  const better = known.filter(({ value }) => (value ?? 0) < 0).length;
  const surely = known.filter(({ ci95 }) => ci95 !== null && ci95[1] < 0).length;
  const surelyNot = known.filter(({ ci95 }) => ci95 !== null && ci95[0] > 0).length;
  return `${better} of ${known.length} (${surely} to ${known.length - surelyNot})`;
}

const MARKS = { best: '* ', tied: '~ ' } as const;

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
          ...cells.map((cell) => (cell ? `${cell.rank ? MARKS[cell.rank] : ''}${textOf(cell)}` : '')),
          ...(baseline === null ? [] : [beats]),
        ]),
      },
    ],
    notes: notesOf(table),
  };
}

const textOf = ({ row }: PaperCell): string =>
  valueWithError(row.figures.get(FIGURE) ?? { value: null, stderr: null });

function notesOf({ baseline }: PaperTable): string[] {
  return [
    '* is the best of a data set, ~ is not surely worse: the 95% interval of the difference, over the same sequences where files hold them, holds 0.',
    ...(baseline === null
      ? []
      : [
          'In brackets: how few and how many data sets the 95% intervals allow. Each interval is for itself.',
        ]),
  ];
}

/** The same for LaTeX, with the package booktabs: best in bold, ties underlined. */
export function paperLatex(rows: readonly ResultRow[]): string | null {
  const table = paperTable(rows);
  if (!table) return null;
  const { datasets, lines, baseline } = table;
  const width = datasets.length + 1 + (baseline === null ? 0 : 1);
  const marked = (cell: PaperCell | null) => {
    if (!cell) return '--';
    const text = `$${textOf(cell).replace(/ ± /, ' \\pm ')}$`;
    if (cell.rank === 'best') return `$\\mathbf{${text.slice(1, -1)}}$`;
    return cell.rank === 'tied' ? `\\underline{${text}}` : text;
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
        `${[latexText(model), ...cells.map(marked), ...(baseline === null ? [] : [beats])].join(' & ')} \\\\`,
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
