import { closest, DataError } from '../errors.js';

/** Most columns that a message lists. */
const MOST_NAMES = 20;
/** Names longer than this are data, or damage. */
const LONGEST_NAME = 60;

/** The error for a table without the text column: it names the columns that exist. */
export function missingColumn(
  path: string,
  column: string,
  columns: readonly string[],
  where = '',
): DataError {
  const names = columns.slice(0, MOST_NAMES).map(shorten);
  const more = columns.length > names.length ? ` and ${columns.length - names.length} more` : '';
  const near = closest(column, names);
  return new DataError({
    code: 'missing-column',
    message: `${path}${where} has no column "${column}"; it has ${names.length ? names.join(', ') : 'none'}${more}.`,
    hint: `${near ? `Did you mean ${near}? ` : ''}Choose the text column with --text-column.`,
  });
}

/** The error for a row whose text is not a string. */
export function notText(path: string, column: string, value: unknown, where: string): DataError {
  const says = (what: string) => `${path}, ${where}: "${column}" should be text but is ${what}.`;
  if (value === null) {
    return new DataError({
      code: 'not-text',
      message: says('null'),
      hint: 'Skip such rows with --skip-null, or choose another column with --text-column.',
    });
  }
  if (typeof value === 'object' && !Array.isArray(value)) {
    const fields = Object.keys(value ?? {}).slice(0, MOST_NAMES);
    return new DataError({
      code: 'not-text',
      message: says('a struct'),
      hint:
        fields.length > 0
          ? `Choose one of its fields: --text-column ${fields.map((field) => shorten(`${column}.${field}`)).join(', ')}.`
          : 'Choose another column with --text-column.',
    });
  }
  return new DataError({
    code: 'not-text',
    message: says(Array.isArray(value) ? 'an array' : typeof value),
    hint: 'Correct or remove that row, or choose another column with --text-column.',
  });
}

const shorten = (name: string): string => name.slice(0, LONGEST_NAME);
