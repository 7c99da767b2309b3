/**
 * Results for a terminal: one row per result, never wider than asked. The essential columns come first; long
 * model names give way with «…»; further columns join as the width allows. Comparisons and notes stand below.
 */
import { styleText } from 'node:util';
import { byEvaluation, type Evaluations, labelOf } from '../records/evaluation.js';
import type { AnyResult, Comparison, ResultsFile } from '../records/record.js';
import { displayWidth, plainText, truncateMiddle, wrap } from '../terminal-text.js';
import { type ColumnSet, columnSet, type TableColumn, withSettings } from './columns.js';
import { dim, GAP, layOut } from './layout.js';
import { COMPARISON_TITLE, comparisonTable, notesOf } from './notes.js';

export interface Screen {
  /** Columns to fill. */
  width: number;
  color: boolean;
}

/** No name pushes figures aside beyond this. */
const WIDEST_NAME = 40;
const NARROWEST_NAME = 6;
const MINUS = ' − ';

/** The whole text, every line at most `width` columns (down to about 48), with a line end. */
export function formatTable(file: ResultsFile, evaluations: Evaluations, { width, color }: Screen): string {
  const shown = new Map<string, ReadonlySet<string>>();
  const parts = byEvaluation(file.results, evaluations).map(({ evaluation, results }) => {
    const own = columnSet(evaluation.columns, evaluation.table, results);
    const set = withSettings(results, own, (result) => labelOf(evaluation, result));
    const columns = columnsWithin(results, set, width);
    shown.set(evaluation.name, new Set(columns.map(({ title }) => title)));
    return resultRows(results, columns, width, color);
  });
  if (file.comparisons.length > 0) parts.push(comparisonRows(file.comparisons, width, color));
  const notes = notesOf(file, evaluations, (name, title) => shown.get(name)?.has(title) ?? false);
  const lines = notes.flatMap((note) => wrap(note, width));
  if (lines.length > 0) parts.push(lines.map((line) => (color ? dim(line) : line)).join('\n'));
  return `${parts.join('\n\n')}\n`;
}

/** A name gives way to its title's width. */
function narrowest({ title }: { title: string }): number {
  return Math.max(NARROWEST_NAME, displayWidth(title));
}

/** Width that shows all of a column, but for names that are too long. */
function naturalWidth(
  results: readonly AnyResult[],
  { title, isName, cell }: TableColumn<AnyResult>,
): number {
  const widest = Math.max(displayWidth(title), ...results.map((result) => displayWidth(cell(result))));
  return isName ? Math.min(widest, WIDEST_NAME) : widest;
}

function totalWidth(results: readonly AnyResult[], columns: readonly TableColumn<AnyResult>[]): number {
  const widths = columns.map((column) => naturalWidth(results, column));
  return widths.reduce((sum, width) => sum + width, 0) + GAP * (columns.length - 1);
}

/** The columns that `width` has room for: the essential ones, then further ones that say anything. */
function columnsWithin(
  results: readonly AnyResult[],
  { essential, further }: ColumnSet<AnyResult>,
  width: number,
): TableColumn<AnyResult>[] {
  const columns = [...essential];
  const saved = essential
    .filter(({ isName }) => isName)
    .map((name) => Math.max(0, naturalWidth(results, name) - narrowest(name)))
    .reduce((sum, one) => sum + one, 0);
  while (columns.length > 3 && totalWidth(results, columns) - saved > width) columns.pop();
  for (const column of further) {
    if (results.every((result) => column.cell(result) === '')) continue;
    if (totalWidth(results, [...columns, column]) > width) break;
    columns.push(column);
  }
  return columns;
}

function resultRows(
  results: readonly AnyResult[],
  columns: readonly TableColumn<AnyResult>[],
  width: number,
  color: boolean,
): string {
  const widths = columns.map((column) => naturalWidth(results, column));
  let excess = totalWidth(results, columns) - width;
  for (const [index, column] of columns.entries()) {
    if (excess <= 0) break;
    if (!column.isName) continue;
    const room = Math.max(0, widths[index] - narrowest(column));
    const cut = Math.min(room, excess);
    widths[index] -= cut;
    excess -= cut;
  }
  return layOut(
    columns.map(({ title, align }, i) => ({ title, align, width: widths[i] })),
    results.map((result) => columns.map((column, i) => cellWithin(column, result, widths[i]))),
    color,
  );
}

function cellWithin({ cell, wraps }: TableColumn<AnyResult>, result: AnyResult, width: number): string {
  const lines = wraps ? wrap(cell(result), width) : [cell(result)];
  return lines.map((line) => truncateMiddle(line, width)).join('\n');
}

function comparisonRows(comparisons: readonly Comparison[], width: number, color: boolean): string {
  const { head, rows } = comparisonTable(comparisons);
  const pairs = comparisons.map((row) => [plainText(row.a), plainText(row.b)]);
  const widths = head.map(([title], i) =>
    Math.max(1, ...[title, ...rows.map((row) => row[i])].map(displayWidth)),
  );
  const excess = () => widths.reduce((sum, one) => sum + one, 0) + GAP * (widths.length - 1) - width;
  const pairsNeed = 2 * NARROWEST_NAME + MINUS.length;
  const datasetNeeds = displayWidth(head[2][0]);
  if (excess() > Math.max(0, widths[1] - pairsNeed) + Math.max(0, widths[2] - datasetNeeds)) widths.pop();
  for (const [index, least] of [
    [1, pairsNeed],
    [2, datasetNeeds],
  ]) {
    widths[index] -= Math.max(0, Math.min(excess(), widths[index] - least));
  }
  const columns = widths.map((one, i) => ({ title: head[i][0], align: head[i][1], width: one }));
  const cells = rows.map((row, r) =>
    widths.map((one, i) => (i === 1 ? pairWithin(pairs[r], one) : truncateMiddle(row[i], one))),
  );
  const title = wrap(COMPARISON_TITLE, width).join('\n');
  return `${color ? styleText('bold', title, { validateStream: false }) : title}\n${layOut(columns, cells, color)}`;
}

/** Both names of a pair stay recognisable: the longer gives way first. */
function pairWithin([a, b]: string[], width: number): string {
  const room = width - MINUS.length;
  const half = Math.floor(room / 2);
  const forA = Math.max(half, room - displayWidth(b));
  const shortA = truncateMiddle(a, forA);
  return `${shortA}${MINUS}${truncateMiddle(b, room - displayWidth(shortA))}`;
}
