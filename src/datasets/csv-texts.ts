/** Comma- or tab-separated tables with proper quoting (RFC 4180), read row by row. */
import { Readable } from 'node:stream';
import type { Options } from 'csv-parse';
import { DataError } from '../errors.js';
import { BUDGET } from './budget.js';
import { missingColumn } from './missing-column.js';
import type { TextColumn } from './text-column.js';
import type { TextBatches } from './text-source.js';
import { decodeUtf8, utf8BytesOf } from './utf8.js';

/** Rows, and characters, per batch. */
const MOST_ROWS = 1024;
const MOST_CHARACTERS = 2 ** 20;

interface Row {
  record: string[];
  /** From 1, counting the header. */
  number: number;
}

/** Texts of a table whose first row names its columns. @throws DataError */
export const csvTexts = (path: string, column: TextColumn): TextBatches => columnTexts(path, column, ',');

/** The same with tabs between fields, as in pandas: a quoted field may hold tabs and newlines. */
export const tsvTexts = (path: string, column: TextColumn): TextBatches => columnTexts(path, column, '\t');

async function* columnTexts(path: string, { name }: TextColumn, delimiter: string): TextBatches {
  let at = -1;
  for await (const rows of batchesOfRows(path, { delimiter })) {
    if (at < 0) {
      const columns = rows.shift()!.record; // no batch is empty
      at = columns.indexOf(name);
      if (at < 0) throw missingColumn(path, name, columns);
    }
    yield rows.map(({ record, number }) => {
      if (record[at] === undefined) throw shortRow(path, number, record.length, at + 1);
      return record[at];
    });
  }
}

/** Every row of a table whose first row names its columns, as objects of texts. @throws DataError */
export async function* csvRows(
  path: string,
  delimiter: ',' | '\t',
): AsyncGenerator<{ record: Record<string, string>; where: string }[]> {
  let columns: string[] | null = null;
  for await (const rows of batchesOfRows(path, { delimiter })) {
    columns ??= rows.shift()!.record; // no batch is empty
    const names = columns;
    yield rows.map(({ record, number }) => {
      if (record.length < names.length) throw shortRow(path, number, record.length, names.length);
      return {
        record: Object.fromEntries(names.map((name, i) => [name, record[i]])),
        where: `row ${number}`,
      };
    });
  }
}

/**
 * AG News: class, title, description, without a header; text = title, a space, description. A first row whose
 * class is not a number counts as a header, because some copies have one.
 */
export async function* agNewsTexts(path: string): TextBatches {
  let isFirst = true;
  for await (const rows of batchesOfRows(path, { ltrim: true })) {
    for (const { record, number } of rows) {
      if (record.length < 3) throw shortRow(path, number, record.length, 3);
    }
    if (isFirst && !/^\d+$/.test(rows[0].record[0])) rows.shift();
    isFirst = false;
    yield rows.map(({ record }) => `${record[1]} ${record[2]}`);
  }
}

/** No batch is empty. */
async function* batchesOfRows(path: string, options: Options): AsyncGenerator<Row[]> {
  let rows: Row[] = [];
  let number = 0;
  let characters = 0;
  for await (const record of recordsOf(path, options)) {
    rows.push({ record, number: ++number });
    for (const field of record) characters += field.length;
    if (rows.length < MOST_ROWS && characters < MOST_CHARACTERS) continue;
    yield rows;
    rows = [];
    characters = 0;
  }
  if (rows.length > 0) yield rows;
}

async function* recordsOf(path: string, options: Options): AsyncGenerator<string[]> {
  const { CsvError, parse } = await import('csv-parse');
  const parser = parse({
    bom: true,
    relax_column_count: true,
    skip_empty_lines: true,
    // Any of them, as in pandas. If the parser had to detect it, an endless first row would take long.
    record_delimiter: ['\r\n', '\n', '\r'],
    max_record_size: BUDGET.row,
    ...options,
  });
  // The parser would drop each row whose length differs from the first row's, and make an error with a copy of the row.
  // It does not compare them when it takes every row for the first.
  const { info } = parser as unknown as { info: { records: number } };
  Object.defineProperty(info, 'records', { get: () => 0, set() {} });
  const input = Readable.from(checkedText(path, options.delimiter === '\t' ? '\t' : ','));
  input.on('error', (cause) => parser.destroy(cause));
  input.pipe(parser);
  try {
    for await (const record of parser as AsyncIterable<string[]>) yield record;
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause;
    if (cause.code === 'CSV_MAX_RECORD_SIZE') throw tooLarge(path, 'row', BUDGET.row);
    throw new DataError({
      code: 'malformed-csv',
      message: `${path} is not a well-formed ${options.delimiter === '\t' ? 'TSV' : 'CSV'} file: ${cause.message.replace(/\.$/, '')}.`,
      hint: 'Fields with separators, quotes or newlines stand in double quotes; a quote inside is doubled.',
      cause,
    });
  } finally {
    input.destroy();
  }
}

/** The file as text, in pieces that never split a character. */
async function* checkedText(path: string, separator: string): AsyncGenerator<string> {
  let pending: Buffer = Buffer.alloc(0);
  let offset = 0;
  let lineStart = 0;
  /** In the line that is not finished. */
  let separators = 0;
  for await (const chunk of utf8BytesOf(path)) {
    const bytes = pending.length ? Buffer.concat([pending, chunk]) : chunk;
    const end = bytes.length - incompleteBytes(bytes);
    const nul = bytes.indexOf(0);
    if (nul >= 0) throw withNul(path, offset + nul);
    yield decodeUtf8(bytes.subarray(0, end), path, offset);
    const newline = bytes.lastIndexOf(0x0a, Math.max(0, end - 1));
    if (newline >= 0) {
      lineStart = offset + newline + 1;
      separators = 0;
    }
    offset += end;
    if (offset - lineStart > BUDGET.line) throw tooLarge(path, 'line', BUDGET.line);
    // The parser's own limit does not count them.
    separators += occurrences(bytes.subarray(newline + 1, end), separator.charCodeAt(0));
    if (separators > BUDGET.separators) throw tooManySeparators(path, separator);
    pending = bytes.subarray(end);
  }
  if (pending.length) yield decodeUtf8(pending, path, offset);
}

function occurrences(bytes: Uint8Array, byte: number): number {
  let count = 0;
  for (let at = bytes.indexOf(byte); at >= 0; at = bytes.indexOf(byte, at + 1)) count++;
  return count;
}

/** Number of trailing bytes that begin a character without finishing it. */
function incompleteBytes(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back];
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return back < (byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4) ? back : 0;
  }
  return 0;
}

/** The parser takes a NUL after a closing quote for the end of the file, and adds what follows to the field. */
function withNul(path: string, offset: number): DataError {
  return new DataError({
    code: 'malformed-csv',
    message: `${path} is no table of text: the byte at offset ${offset} is NUL.`,
    hint: 'Download it again; a file that was cut short and padded also looks so.',
  });
}

function tooLarge(path: string, what: string, most: number): DataError {
  return new DataError({
    code: 'data-too-large',
    message: `${path} has a ${what} of more than ${most / 2 ** 20} MiB.`,
    hint: 'A quote that is never closed also does this. Longer texts: turn the table into .jsonl.',
  });
}

function tooManySeparators(path: string, separator: string): DataError {
  return new DataError({
    code: 'data-too-large',
    message: `${path} has a line with more than ${BUDGET.separators.toLocaleString('en')} ${separator === ',' ? 'commas' : 'tabs'}.`,
    hint: 'Check that it is the file that you mean. Texts of that size: turn the table into .jsonl.',
  });
}

function shortRow(path: string, row: number, has: number, needs: number): DataError {
  return new DataError({
    code: 'short-row',
    message: `${path}, row ${row} has ${has} column${has === 1 ? '' : 's'} where ${needs} are needed.`,
    hint: 'Correct or remove that row; a stray quote earlier in the file also does this.',
  });
}
