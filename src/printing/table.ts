/**
 * Results for a terminal: one row per result, never wider than asked. The essential columns come first; long
 * model names are shortened with «…»; further columns follow as the width allows. Comparisons and notes come below.
 */
import { styleText } from 'node:util';
import { byEvaluation, type Evaluations, labelOf } from '../records/evaluation.js';
import type { AnyResult, Comparison, ResultsFile } from '../records/record.js';
import { displayWidth, truncateMiddle, wrap } from '../terminal-text.js';
import { type ColumnSet, columnSet, type TableColumn, withSettings } from './columns.js';
import { dim, type FittedColumn, fittedTable, naturalWidth, totalWidth } from './layout.js';
import { COMPARISON_TITLE, comparisonTable, notesOf } from './notes.js';
import { textPlot } from './text-plot.js';

export interface Screen {
  /** Columns to fill. */
  width: number;
  color: boolean;
  /** Whether the plots of the page are drawn too, in characters. */
  plots?: boolean;
}

/** Maximum width of a name. */
const WIDEST_NAME = 40;
const NARROWEST_NAME = 6;
const MINUS = ' − ';

/** The whole text, every line at most `width` columns (down to about 48), with a line end. */
export function formatTable(
  file: ResultsFile,
  evaluations: Evaluations,
  { width, color, plots }: Screen,
): string {
  const shown = new Map<string, ReadonlySet<string>>();
  const parts = byEvaluation(file.results, evaluations).map(({ evaluation, results }) => {
    const own = columnSet(evaluation.columns, evaluation.table, results);
    const set = withSettings(results, own, (result) => labelOf(evaluation, result));
    const columns = columnsWithin(results, set, width);
    shown.set(evaluation.name, new Set(columns.map(({ title }) => title)));
    return resultRows(results, columns, { width, color });
  });
  if (file.comparisons.length > 0) parts.push(comparisonRows(file.comparisons, { width, color }));
  const notes = notesOf(file, evaluations, (name, title) => shown.get(name)?.has(title) ?? false);
  const lines = notes.flatMap((note) => wrap(note, width));
  if (lines.length > 0) parts.push(lines.map((line) => (color ? dim(line) : line)).join('\n'));
  if (plots) parts.push(...plotsOf(file, evaluations, width));
  return `${parts.join('\n\n')}\n`;
}

function plotsOf({ results: all }: ResultsFile, evaluations: Evaluations, width: number): string[] {
  return byEvaluation(all, evaluations).flatMap(({ evaluation, results }) =>
    (evaluation.plots?.(results) ?? []).map(({ title, plot }) => `${title}\n\n${textPlot(plot, width)}`),
  );
}

/** A name is never narrower than its title. */
function leastWidth({ title }: { title: string }): number {
  return Math.max(NARROWEST_NAME, displayWidth(title));
}

/** Names give way to the other columns, and push none of them aside beyond a width. */
function fittedColumn({ title, align, isName, wraps }: TableColumn<AnyResult>): FittedColumn {
  return { title, align, wraps, ...(isName ? { least: leastWidth({ title }), most: WIDEST_NAME } : {}) };
}

function widthOf(results: readonly AnyResult[], column: TableColumn<AnyResult>): number {
  return naturalWidth(fittedColumn(column), results.map(column.cell));
}

/** The columns that `width` has room for: the essential ones, then further ones that are not empty. */
function columnsWithin(
  results: readonly AnyResult[],
  { essential, further }: ColumnSet<AnyResult>,
  width: number,
): TableColumn<AnyResult>[] {
  const columns = [...essential];
  const total = (of: readonly TableColumn<AnyResult>[]) => totalWidth(of.map((one) => widthOf(results, one)));
  const saved = essential
    .filter(({ isName }) => isName)
    .map((name) => Math.max(0, widthOf(results, name) - leastWidth(name)))
    .reduce((sum, one) => sum + one, 0);
  while (columns.length > 3 && total(columns) - saved > width) columns.pop();
  for (const column of further) {
    if (results.every((result) => column.cell(result) === '')) continue;
    if (total([...columns, column]) > width) break;
    columns.push(column);
  }
  return columns;
}

function resultRows(
  results: readonly AnyResult[],
  columns: readonly TableColumn<AnyResult>[],
  screen: Screen,
): string {
  return fittedTable(
    columns.map(fittedColumn),
    results.map((result) => columns.map(({ cell }) => cell(result))),
    screen,
  );
}

function comparisonRows(comparisons: readonly Comparison[], screen: Screen): string {
  const { head, rows } = comparisonTable(comparisons);
  const title = wrap(COMPARISON_TITLE, screen.width).join('\n');
  const narrow: Readonly<Record<string, Partial<FittedColumn>>> = {
    models: { least: 2 * NARROWEST_NAME + MINUS.length, shorten: pairWithin },
    'data set': { least: 'data set'.length },
    '95% interval': { optional: true },
  };
  const columns = head.map(([title, align]): FittedColumn => ({ title, align, ...narrow[title] }));
  const table = fittedTable(columns, rows, screen);
  return `${screen.color ? styleText('bold', title, { validateStream: false }) : title}\n${table}`;
}

/** Both names of a pair stay recognisable: the longer is shortened first. */
function pairWithin(pair: string, width: number): string {
  if (displayWidth(pair) <= width) return pair;
  const middle = pair.indexOf(MINUS);
  const [a, b] = [pair.slice(0, middle), pair.slice(middle + MINUS.length)];
  const room = width - MINUS.length;
  const half = Math.floor(room / 2);
  const forA = Math.max(half, room - displayWidth(b));
  const shortA = truncateMiddle(a, forA);
  return `${shortA}${MINUS}${truncateMiddle(b, room - displayWidth(shortA))}`;
}
