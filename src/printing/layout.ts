/**
 * How every table of a terminal is set: columns side by side, no frame, never wider than the screen. cli-table3 aligns and
 * joins the cells. It knows no width of a whole table: left alone, its columns are as wide as their longest cell, and a
 * line longer than the screen is broken by the terminal, which makes a table unreadable. So widths are chosen here: which
 * columns are wrapped at words, which are cut in the middle (a name's end tells as much as its beginning; cli-table3 cuts
 * the end), and which are omitted.
 */
import { styleText } from 'node:util';
import Table from 'cli-table3';
import { breakWord, displayWidth, truncate, truncateMiddle, wrap } from '../terminal-text.js';

/** Spaces between columns. */
const GAP = 2;

/** A column that may be narrowed on a narrow screen. */
export interface FittedColumn {
  title: string;
  align: 'left' | 'right';
  /** Broken at spaces, then within words: nothing of it is ever cut. */
  wraps?: boolean;
  /** It can be narrowed to this width. Without it a column is as wide as its longest cell, or word. */
  least?: number;
  /** Omitted where the others do not fit even at their least widths. */
  optional?: boolean;
  /** Minimum width, to match other tables of the same columns. */
  width?: number;
  /** Maximum width, however wide the screen. */
  most?: number;
  /** Shortens a cell that is not wrapped; by default in the middle. */
  shorten?: (line: string, width: number) => string;
}

/** What a table of a terminal is fitted to. */
interface Width {
  /** Columns of the screen. */
  width: number;
  color: boolean;
}

/** At most as wide as the screen, where the least widths allow it. The widest column is narrowed first; words are broken last. */
export function fittedTable(
  columns: readonly FittedColumn[],
  rows: readonly (readonly string[])[],
  { width, color }: Width,
): string {
  const shown = columnsWithin(columns, rows, width);
  const cellsAt = (i: number) => cellsOf(rows, i);
  const natural = shown.map((i) => naturalWidth(columns[i], cellsAt(i)));
  const smallest = shown.map((i) => smallestOf(columns[i], cellsAt(i)));
  const least = shown.map((i, at) => Math.min(smallest[at], columns[i].least ?? smallest[at]));
  const widths = narrowToFit(narrowToFit(natural, smallest, width), least, width);
  return layOut(
    shown.map((i, at) => ({ title: columns[i].title, align: columns[i].align, width: widths[at] })),
    rows.map((row) => shown.map((i, at) => cellWithin(columns[i], row[i], widths[at]))),
    color,
  );
}

const cellsOf = (rows: readonly (readonly string[])[], i: number) => rows.map((row) => row[i]);

/** Whether there is room for every column without breaking a word, or cutting what gives way. */
export function hasRoom(
  columns: readonly FittedColumn[],
  rows: readonly (readonly string[])[],
  width: number,
): boolean {
  return totalWidth(columns.map((column, i) => smallestOf(column, cellsOf(rows, i)))) <= width;
}

/** Omits a column rather than breaking words. */
function smallestOf(column: FittedColumn, cells: readonly string[]): number {
  if (column.wraps) return longestWord(column, cells);
  const natural = naturalWidth(column, cells);
  return Math.min(natural, column.least ?? natural);
}

/** Places of the columns that there is room for. */
function columnsWithin(
  columns: readonly FittedColumn[],
  rows: readonly (readonly string[])[],
  width: number,
): number[] {
  const shown = columns.map((_, i) => i);
  const total = () => totalWidth(shown.map((i) => smallestOf(columns[i], cellsOf(rows, i))));
  for (let i = columns.length - 1; i >= 0 && total() > width; i--)
    if (columns[i].optional) shown.splice(i, 1);
  return shown;
}

/** Width that shows all of a column. */
export function naturalWidth(
  { title, width = 1, most = Number.POSITIVE_INFINITY }: Pick<FittedColumn, 'title' | 'width' | 'most'>,
  cells: readonly string[],
): number {
  return Math.min(most, Math.max(width, ...[title, ...cells].map(displayWidth)));
}

function longestWord({ title }: FittedColumn, cells: readonly string[]): number {
  return naturalWidth(
    { title },
    cells.flatMap((cell) => cell.split(' ')),
  );
}

export function totalWidth(widths: readonly number[]): number {
  return widths.reduce((sum, one) => sum + one, 0) + GAP * (widths.length - 1);
}

/** Narrows the widest column that is above its least width, until the table fits or all are at their least. */
function narrowToFit(from: readonly number[], least: readonly number[], width: number): number[] {
  const widths = [...from];
  for (let excess = totalWidth(widths) - width; excess > 0; excess--) {
    let widest = -1;
    for (const [i, one] of widths.entries())
      if (one > least[i] && (widest < 0 || one > widths[widest])) widest = i;
    if (widest < 0) break;
    widths[widest]--;
  }
  return widths;
}

function cellWithin({ wraps, shorten = truncateMiddle }: FittedColumn, cell: string, width: number): string {
  const lines = wraps ? wrap(cell, width).flatMap((line) => breakWord(line, width)) : [shorten(cell, width)];
  return lines.join('\n');
}

interface LaidColumn {
  title: string;
  align: 'left' | 'right';
  width: number;
}

/** Columns of given widths, a rule under their titles. Lines have no trailing spaces. */
function layOut(columns: LaidColumn[], rows: string[][], color: boolean): string {
  const none = '';
  const table = new Table({
    head: columns.map(({ title, width }) => truncate(title, width)),
    colWidths: columns.map(({ width }) => width),
    colAligns: columns.map(({ align }) => align),
    style: { head: color ? ['bold'] : [], border: [], 'padding-left': 0, 'padding-right': 0 },
    chars: {
      top: none,
      'top-mid': none,
      'top-left': none,
      'top-right': none,
      bottom: none,
      'bottom-mid': none,
      'bottom-left': none,
      'bottom-right': none,
      left: none,
      'left-mid': none,
      mid: none,
      'mid-mid': none,
      right: none,
      'right-mid': none,
      middle: ' '.repeat(GAP),
    },
  });
  for (const row of rows) table.push(row);
  const lines = table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd());
  const rule = '─'.repeat(columns.reduce((sum, { width }) => sum + width, 0) + GAP * (columns.length - 1));
  return [lines[0], color ? dim(rule) : rule, ...lines.slice(1)].join('\n');
}

export function dim(text: string): string {
  return styleText('dim', text, { validateStream: false });
}
