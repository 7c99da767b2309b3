/** What gates can limit, as `gate --list` shows it: the figures that evaluations declare, or those of rows with their values. */
import type { Screen } from '../../printing/formats.js';
import { fittedTable } from '../../printing/layout.js';
import { plain } from '../../printing/numbers.js';
import type { Evaluation, ResultRow } from '../../records/evaluation.js';
import { plainText } from '../../terminal-text.js';

export interface GateableFigure {
  /** As a gates file names it. */
  metric: string;
  /** Its name in tables. */
  title: string;
  eval: string;
  /** Of rows: where the figure stands, and what it is. */
  row?: { model: string; dataset: string; value: number | null; ci95: readonly [number, number] | null };
}

export const figuresOfEvaluations = (evaluations: readonly Evaluation[]): GateableFigure[] =>
  evaluations.flatMap(({ name, figures }) =>
    Object.entries(figures).map(([metric, { title = metric }]) => ({ metric, title, eval: name })),
  );

export const figuresOfRows = (rows: readonly ResultRow[]): GateableFigure[] =>
  rows.flatMap(({ eval: name, model, dataset, figures }) =>
    [...figures].map(([metric, { value, ci95, declared }]) => ({
      metric,
      title: declared.title ?? metric,
      eval: name,
      row: { model, dataset, value, ci95 },
    })),
  );

export function figuresTable(figures: readonly GateableFigure[], screen: Screen): string {
  const ofRows = figures.some(({ row }) => row);
  const titles = [
    'eval',
    ...(ofRows ? ['row'] : []),
    'metric',
    ...(ofRows ? ['value', '95% interval'] : ['in tables']),
  ];
  const lines = figures.map(({ eval: name, metric, title, row }) =>
    [
      name,
      ...(row ? [row.dataset === '' ? row.model : `${row.model} on ${row.dataset}`] : []),
      metric,
      ...(row ? [numberText(row.value), row.ci95 ? `[${row.ci95.map(plain).join(', ')}]` : 'none'] : [title]),
    ].map(plainText),
  );
  const columns = titles.map((title) => ({
    title,
    align: 'left' as const,
    ...(title === 'row' ? { wraps: true, least: 12 } : {}),
  }));
  return fittedTable(columns, lines, screen);
}

const numberText = (value: number | null): string => (value === null ? 'none' : plain(value));
