/**
 * The text column of a table: a name, or the path `a.b` of a field inside a struct. A column named `a.b` takes precedence
 * over a field with that path.
 */
import { missingColumn, notText } from './missing-column.js';

export interface TextColumn {
  name: string;
  /** Handles rows whose text is null. */
  nulls: NullRows;
}

/** Rows whose text is null: an error, or, if they are to be skipped, a count. */
export class NullRows {
  skipped = 0;

  constructor(readonly areSkipped: boolean) {}

  /** Records a row without text. @param where e.g. `row 3`   @throws DataError unless such rows are skipped */
  meet(path: string, column: string, where: string): void {
    if (!this.areSkipped) throw notText(path, column, null, where);
    this.skipped++;
  }
}

/** The text of a row that was a JSON object; null if it is null. @throws DataError that names the row */
export function textIn(
  record: Readonly<Record<string, unknown>>,
  column: string,
  path: string,
  where: string,
): string | null {
  const value = Object.hasOwn(record, column) ? record[column] : fieldAt(record, column.split('.'));
  if (typeof value === 'string' || value === null) return value;
  if (value === undefined) throw missingColumn(path, column, columnsOf(record), `, ${where},`);
  throw notText(path, column, value, where);
}

/** The value at a path; null below null, undefined if there is no such field. */
function fieldAt(record: Readonly<Record<string, unknown>>, path: readonly string[]): unknown {
  let value: unknown = record;
  for (const name of path) {
    if (value === null) return null;
    if (!isStruct(value) || !Object.hasOwn(value, name)) return undefined;
    value = value[name];
  }
  return value;
}

/** Names of columns; for a struct, the paths of its fields. */
function columnsOf(record: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(record).flatMap(([name, value]) =>
    isStruct(value) ? Object.keys(value).map((field) => `${name}.${field}`) : [name],
  );
}

function isStruct(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
