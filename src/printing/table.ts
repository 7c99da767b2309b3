/**
 * Results for a terminal: one row a model and data set, never wider than asked. The essential columns come first; long
 * model names give way with «…»; further columns join as the width allows. Comparisons and notes stand below.
 */
import { styleText } from 'node:util';
import { frontierColumns } from '../evals/frontier/columns.js';
import { generativeColumns } from '../evals/generation/columns.js';
import { benchColumns } from '../evals/throughput/columns.js';
import { type Result, type ResultsFile, resultsOf } from '../records/record.js';
import { displayWidth, plainText, truncateMiddle, wrap } from '../terminal-text.js';
import { type Column, type ColumnSet, DRAW_ERROR, perplexityColumns } from './columns.js';
import { dim, GAP, layOut } from './layout.js';
import { COMPARISON_TITLE, datasetOf, markOf, notesOf } from './notes.js';
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
  const perplexities = resultsOf(file, 'ppl');
  const bench = resultsOf(file, 'bench');
  const frontier = resultsOf(file, 'frontier');
  const gen = resultsOf(file, 'gen');
  const ofPerplexity = perplexityColumns(perplexities);
  const columns = columnsWithin(perplexities, ofPerplexity, width);
  const rows = <R extends Result>(results: readonly R[], set: ColumnSet<R>) =>
    resultRows(results, columnsWithin(results, set, width), set, width, color);
  const parts = [
    resultRows(perplexities, columns, ofPerplexity, width, color),
    rows(bench, benchColumns(bench)),
    rows(frontier, frontierColumns(frontier)),
    rows(gen, generativeColumns(gen)),
  ].filter((part) => part !== '');
  if (file.comparisons.length > 0) parts.push(comparisonRows(file, width, color));
  const drawError = columns.includes(DRAW_ERROR);
  const notes = notesOf(file, { drawError }).flatMap((note) => wrap(note, width));
  if (notes.length > 0) parts.push(notes.map((line) => (color ? dim(line) : line)).join('\n'));
  return `${parts.join('\n\n')}\n`;
}

/** A name gives way to its title's width. */
function narrowest({ title }: { title: string }): number {
  return Math.max(NARROWEST_NAME, displayWidth(title));
}

/** Width that shows all of a column, but of names that are too long. */
function naturalWidth<R extends Result>(
  results: readonly R[],
  column: Column<R>,
  { names }: ColumnSet<R>,
): number {
  const widest = Math.max(
    displayWidth(column.title),
    ...results.map((result) => displayWidth(column.cell(result))),
  );
  return names.includes(column) ? Math.min(widest, WIDEST_NAME) : widest;
}

function totalWidth<R extends Result>(
  results: readonly R[],
  columns: readonly Column<R>[],
  set: ColumnSet<R>,
): number {
  const widths = columns.map((column) => naturalWidth(results, column, set));
  return widths.reduce((sum, width) => sum + width, 0) + GAP * (columns.length - 1);
}

/** The columns that `width` has room for: the essential ones, then further ones that say anything. */
function columnsWithin<R extends Result>(
  results: readonly R[],
  set: ColumnSet<R>,
  width: number,
): Column<R>[] {
  const columns = [...set.essential];
  const saved = set.names
    .map((name) => Math.max(0, naturalWidth(results, name, set) - narrowest(name)))
    .reduce((sum, one) => sum + one, 0);
  while (columns.length > 3 && totalWidth(results, columns, set) - saved > width) columns.pop();
  for (const column of set.further) {
    if (results.every((result) => column.cell(result) === '')) continue;
    if (totalWidth(results, [...columns, column], set) > width) break;
    columns.push(column);
  }
  return columns;
}

function resultRows<R extends Result>(
  results: readonly R[],
  columns: readonly Column<R>[],
  set: ColumnSet<R>,
  width: number,
  color: boolean,
): string {
  if (results.length === 0) return '';
  const widths = columns.map((column) => naturalWidth(results, column, set));
  let excess = totalWidth(results, columns, set) - width;
  for (const [index, column] of columns.entries()) {
    if (excess <= 0) break;
    if (!set.names.includes(column)) continue;
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

function cellWithin<R extends Result>({ cell, wraps }: Column<R>, result: R, width: number): string {
  const lines = wraps ? wrap(cell(result), width) : [cell(result)];
  return lines.map((line) => truncateMiddle(line, width)).join('\n');
}

function comparisonRows({ comparisons }: ResultsFile, width: number, color: boolean): string {
  const pairs = comparisons.map((row) => [plainText(row.a), plainText(row.b)]);
  const titles = ['', 'models', 'dataset', 'difference', '95% interval'];
  const rows = comparisons.map((row, i) => [
    markOf(row),
    pairs[i].join(MINUS),
    plainText(datasetOf(row)),
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
