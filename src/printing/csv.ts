/**
 * One row per result under a fixed header for each evaluation: raw figures, an empty cell for unknown. Columns are only ever
 * added at the end. A file with results of several evaluations has the columns of each, with one column for
 * each shared name. Comparisons are in the JSON only.
 */
import { stringify } from 'csv-stringify/sync';
import type { Evaluations } from '../records/evaluation.js';
import type { AnyResult, ResultsFile } from '../records/record.js';
import { plainText } from '../terminal-text.js';
import type { Cell, CsvColumn } from './columns.js';

/** @returns the header of the first evaluation where there are no results */
export function formatCsv({ results }: ResultsFile, evaluations: Evaluations): string {
  const columnsOf = (name: string): CsvColumn<AnyResult>[] =>
    evaluations.of(name)?.columns.flatMap(({ csv }) => csv) ?? [];
  const names = results.length === 0 ? [evaluations.all[0].name] : results.map((result) => result.eval);
  const header = [...new Set([...new Set(names)].flatMap((name) => columnsOf(name).map(({ key }) => key)))];
  const rows = results.map((result) => {
    const cells = new Map(columnsOf(result.eval).map(({ key, cell }) => [key, cell(result)]));
    return header.map((key) => cells.get(key));
  });
  return csvTable([header, ...rows]);
}

/** Writes any table as CSV. */
export function csvTable(rows: readonly (readonly Cell[])[]): string {
  return stringify(rows.map((row) => row.map(csvCell)));
}

/** Numbers raw; text on one line, and marked as text where a spreadsheet would read a formula. */
function csvCell(value: Cell): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : '';
  const text = plainText(value);
  return FORMULA.test(text) ? `'${text}` : text;
}

/** The start of a formula, in characters of either width, after whatever a spreadsheet may not see. */
const FORMULA = /^[\s\p{Cf}\p{Default_Ignorable_Code_Point}]*[=+\-@|＝＋－＠｜]/u;
