/**
 * Columns of results, each declared once by its evaluation: its cells in a CSV and its text in tables. All printers
 * lay out the same columns and know no evaluation.
 */
import { distinctionsOf } from '../records/distinctions.js';
import { plainText } from '../terminal-text.js';
import { errorAlone, intervalOf, plain, valueWithError, whole } from './numbers.js';

/** A CSV cell: raw numbers, empty for unknown. */
export type Cell = string | number | null | undefined;

export interface CsvColumn<R> {
  key: string;
  cell(result: R): Cell;
}

export interface TableColumn<R> {
  title: string;
  /** Of the numbers. */
  unit?: string;
  align: 'left' | 'right';
  /** Holds a name, which is shortened first on a narrow screen. */
  isName?: boolean;
  /** Is broken at spaces where it is narrowed, instead of cut. */
  wraps?: boolean;
  /** Plain text on one line; empty for unknown. */
  cell(result: R): string;
}

/** One property of rows: its columns in a CSV and in a table. */
export interface Column<R> {
  csv: readonly CsvColumn<R>[];
  table: readonly TableColumn<R>[];
}

interface Shown<R, V> {
  /** Its title in tables; without one it appears in the CSV only. */
  title?: string;
  unit?: string;
  isName?: boolean;
  /** By default words on the left, numbers on the right. */
  align?: 'left' | 'right';
  /** How a person reads a known value. */
  text?(value: V, result: R): string;
}

/** A name or a word. @param key in the CSV; null: in tables only */
export function text<R>(
  key: string | null,
  value: (result: R) => string | null | undefined,
  { text: textOf = (known) => plainText(known), ...shown }: Shown<R, string> = {},
): Column<R> {
  return valueColumn(key, value, { ...shown, text: textOf }, 'left');
}

/** A number, of which a person reads four digits. @param key in the CSV; null: in tables alone */
export function number<R>(
  key: string | null,
  value: (result: R) => number | null | undefined,
  { text: textOf = (known) => plain(known), ...shown }: Shown<R, number> = {},
): Column<R> {
  return valueColumn(key, value, { ...shown, text: textOf }, 'right');
}

/** A whole number, with all its digits. */
export function count<R>(
  key: string | null,
  value: (result: R) => number | null | undefined,
  shown: Shown<R, number> = {},
): Column<R> {
  return valueColumn(key, value, { text: (known) => whole(known), ...shown }, 'right');
}

/** Yes or no; a CSV says true or false. */
export function flag<R>(
  key: string,
  value: (result: R) => boolean | null | undefined,
  shown: Shown<R, string> = {},
): Column<R> {
  const said = { text: (known: string) => (known === 'true' ? 'yes' : ''), ...shown };
  return valueColumn(key, (result) => value(result)?.toString(), said, 'left');
}

function valueColumn<R, V extends string | number>(
  key: string | null,
  value: (result: R) => V | null | undefined,
  { title, text: textOf, ...shown }: Shown<R, V> & Required<Pick<Shown<R, V>, 'text'>>,
  align: 'left' | 'right',
): Column<R> {
  const cell = (result: R) => {
    const known = value(result);
    return known === null || known === undefined ? '' : textOf(known, result);
  };
  return {
    csv: key === null ? [] : [{ key, cell: value }],
    table: title === undefined ? [] : [{ title, align, ...shown, cell }],
  };
}

/** An estimate, as far as its errors are known. */
export interface FigureValue {
  value: number | null;
  stderr?: number | null;
  ci95?: readonly [number, number] | null;
  mcStderr?: number | null;
}

interface ShownFigure<R> {
  title?: string;
  unit?: string;
  /** Titles of the interval and of the error over draws, where a person reads them in columns of their own. */
  interval?: string;
  drawError?: string;
  /** How a person reads it: by default `145.3 ± 2.1`. */
  text?(figure: { value: number | null; stderr: number | null }, result: R): string;
}

type FigurePart = 'stderr' | 'ci95' | 'mcStderr';

/** A figure: the columns `x`, `x_stderr`, `x_ci95_low`, `x_ci95_high`, `x_mc_stderr` of a CSV. @param parts beside the value */
export function figure<R>(
  key: string,
  figureOf: (result: R) => FigureValue | null | undefined,
  { title, unit, interval, drawError, text: textOf = valueWithError }: ShownFigure<R> = {},
  parts: readonly FigurePart[] = ['stderr', 'ci95'],
): Column<R> {
  const csvOf: Record<FigurePart, CsvColumn<R>[]> = {
    stderr: [{ key: `${key}_stderr`, cell: (result) => figureOf(result)?.stderr }],
    ci95: [
      { key: `${key}_ci95_low`, cell: (result) => figureOf(result)?.ci95?.[0] },
      { key: `${key}_ci95_high`, cell: (result) => figureOf(result)?.ci95?.[1] },
    ],
    mcStderr: [{ key: `${key}_mc_stderr`, cell: (result) => figureOf(result)?.mcStderr }],
  };
  const errors = (result: R) => {
    const { value = null, stderr = null, ci95 = null, mcStderr = null } = figureOf(result) ?? {};
    return { value, stderr, ci95, mcStderr };
  };
  const shown = (name: string | undefined, cell: (result: R) => string): TableColumn<R>[] =>
    name === undefined ? [] : [{ title: name, unit, align: 'right', cell }];
  return {
    csv: [{ key, cell: (result) => figureOf(result)?.value }, ...parts.flatMap((part) => csvOf[part])],
    table: [
      ...shown(title, (result) => textOf(errors(result), result)),
      ...shown(interval, (result) => intervalOf(errors(result))),
      ...shown(drawError, (result) => errorAlone(errors(result).mcStderr)),
    ],
  };
}

/** Titles of columns in the order of interest. */
export interface TableOrder<R> {
  /** Always shown where there is room for them. */
  essential: readonly string[];
  /** In place of those, for certain results; null: those. */
  essentialOf?(results: readonly R[]): readonly string[] | null;
  /** As the width allows. */
  further: readonly string[];
}

/** The head of a column, in any form. @param unit of the numbers */
export type Heading = readonly [title: string, align: 'left' | 'right', unit?: string];

/** The columns of a table of certain results. */
export interface ColumnSet<R> {
  essential: readonly TableColumn<R>[];
  further: readonly TableColumn<R>[];
}

const LEAST_COLUMNS = 5;

/** @returns in the order that is told, else as declared   @throws RangeError for a title that no column has */
export function columnSet<R>(
  columns: readonly Column<R>[],
  order: TableOrder<R> | undefined,
  results: readonly R[],
): ColumnSet<R> {
  const all = columns.flatMap(({ table }) => table);
  if (!order) return { essential: all.slice(0, LEAST_COLUMNS), further: all.slice(LEAST_COLUMNS) };
  const essential = order.essentialOf?.(results) ?? order.essential;
  return {
    essential: columnsOf(all, essential),
    further: columnsOf(
      all,
      order.further.filter((title) => !essential.includes(title)),
    ),
  };
}

/** @throws RangeError for a title that no column has */
export function columnsOf<R>(
  columns: readonly TableColumn<R>[],
  titles: readonly string[],
): TableColumn<R>[] {
  return titles.map((title) => {
    const found = columns.find((column) => column.title === title);
    if (!found) throw new RangeError(`No column has the title "${title}".`);
    return found;
  });
}

/** With a column of the settings in which rows differ that would look alike without it, after the names. */
export function withSettings<R>(
  results: readonly R[],
  set: ColumnSet<R>,
  labelOf: (result: R) => string,
): ColumnSet<R> {
  const texts = distinctionsOf(results, labelOf);
  if (texts.every((one) => one === '')) return set;
  const told = new Map(results.map((result, i) => [result, texts[i]]));
  const settings: TableColumn<R> = {
    ...{ title: 'with', align: 'left', isName: true, wraps: true },
    cell: (result) => told.get(result) ?? '',
  };
  const numbers = set.essential.findIndex(({ align }, i) => i > 0 && align === 'right');
  const after = numbers < 0 ? set.essential.length : numbers;
  return { ...set, essential: [...set.essential.slice(0, after), settings, ...set.essential.slice(after)] };
}
