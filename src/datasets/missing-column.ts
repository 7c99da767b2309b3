import { closest, DataError } from '../errors.js';

/** The error of a table that lacks the text column: it names the columns there are. */
export function missingColumn(
  path: string,
  column: string,
  columns: readonly string[],
  where = '',
): DataError {
  const near = closest(column, columns);
  return new DataError({
    code: 'missing-column',
    message: `${path}${where} has no column "${column}"; it has ${columns.length ? columns.join(', ') : 'none'}.`,
    hint: `${near ? `Did you mean ${near}? ` : ''}Choose the text column with --text-column.`,
  });
}

/** The error of a row whose text is not text. */
export function notText(path: string, column: string, value: unknown, where: string): DataError {
  const kind =
    value === null || value === undefined ? 'empty' : Array.isArray(value) ? 'an array' : typeof value;
  return new DataError({
    code: 'not-text',
    message: `${path}, ${where}: "${column}" should be text but is ${kind === 'object' ? 'an object' : kind}.`,
    hint: 'Correct or remove that row, or choose another column with --text-column.',
  });
}
