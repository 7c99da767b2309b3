/**
 * Results for a terminal: one row a model and data set, never wider than asked. The essential columns come first; long
 * model names give way with «…»; further columns join as the width allows. Comparisons and notes stand below.
 */
import { styleText } from 'node:util';
import { displayWidth, plainText, truncateMiddle, wrap } from '../../terminal-text.js';
import type { ResultsFile } from '../record.js';
import { type Column, DATASET, DRAW_ERROR, ESSENTIAL, FURTHER, MODEL } from './columns.js';
import { dim, GAP, layOut } from './layout.js';
import { COMPARISON_TITLE, markOf, notesOf } from './notes.js';
import { intervalOf, valueWithError } from './numbers.js';

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
export function formatTable(file: ResultsFile, { width, color }: Screen): string {
  const parts: string[] = [];
  const columns = columnsWithin(file, width);
  if (file.results.length > 0) parts.push(resultRows(file, columns, width, color));
  if (file.comparisons.length > 0) parts.push(comparisonRows(file, width, color));
  const drawError = columns.includes(DRAW_ERROR);
  const notes = notesOf(file, { drawError }).flatMap((note) => wrap(note, width));
  if (notes.length > 0) parts.push(notes.map((line) => (color ? dim(line) : line)).join('\n'));
  return `${parts.join('\n\n')}\n`;
}

/** Width that shows all of a column, but of names that are too long. */
function naturalWidth({ results }: ResultsFile, column: Column): number {
  const widest = Math.max(
    displayWidth(column.title),
    ...results.map((result) => displayWidth(column.cell(result))),
  );
  return column === MODEL || column === DATASET ? Math.min(widest, WIDEST_NAME) : widest;
}

function totalWidth(file: ResultsFile, columns: readonly Column[]): number {
  return columns.reduce((sum, column) => sum + naturalWidth(file, column), 0) + GAP * (columns.length - 1);
}

/** The columns that `width` has room for: the essential ones, then further ones that say anything. */
function columnsWithin(file: ResultsFile, width: number): Column[] {
  const columns = [...ESSENTIAL];
  const saved = [MODEL, DATASET].map((name) => Math.max(0, naturalWidth(file, name) - NARROWEST_NAME));
  while (columns.length > 3 && totalWidth(file, columns) - saved[0] - saved[1] > width) columns.pop();
  for (const column of FURTHER) {
    if (file.results.every((result) => column.cell(result) === '')) continue;
    if (totalWidth(file, [...columns, column]) > width) break;
    columns.push(column);
  }
  return columns;
}

function resultRows(file: ResultsFile, columns: readonly Column[], width: number, color: boolean): string {
  const { results } = file;
  const widths = columns.map((column) => naturalWidth(file, column));
  let excess = totalWidth(file, columns) - width;
  for (const [index, column] of [MODEL, DATASET].entries()) {
    if (excess <= 0) break;
    const room = Math.max(0, widths[index] - Math.max(NARROWEST_NAME, displayWidth(column.title)));
    const cut = Math.min(room, excess);
    widths[index] -= cut;
    excess -= cut;
  }
  return layOut(
    columns.map(({ title, align }, i) => ({ title, align, width: widths[i] })),
    results.map((result) => columns.map((column, i) => truncateMiddle(column.cell(result), widths[i]))),
    color,
  );
}

function comparisonRows({ comparisons }: ResultsFile, width: number, color: boolean): string {
  const pairs = comparisons.map((row) => [plainText(row.a), plainText(row.b)]);
  const titles = ['', 'models', 'dataset', 'difference', '95% interval'];
  const rows = comparisons.map((row, i) => [
    markOf(row),
    pairs[i].join(MINUS),
    plainText(row.dataset),
    valueWithError({ value: row.deltaNll, stderr: row.stderr }),
    intervalOf(row),
  ]);
  const widths = titles.map((title, i) =>
    Math.max(1, ...[title, ...rows.map((row) => row[i])].map(displayWidth)),
  );
  const excess = () => widths.reduce((sum, one) => sum + one, 0) + GAP * (widths.length - 1) - width;
  const pairsNeed = 2 * NARROWEST_NAME + MINUS.length;
  if (excess() > Math.max(0, widths[1] - pairsNeed) + Math.max(0, widths[2] - 'dataset'.length)) widths.pop();
  for (const [index, least] of [
    [1, pairsNeed],
    [2, 'dataset'.length],
  ]) {
    widths[index] -= Math.max(0, Math.min(excess(), widths[index] - least));
  }
  const columns = widths.map((one, i) => ({
    title: titles[i],
    align: i >= 3 ? ('right' as const) : ('left' as const),
    width: one,
  }));
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
