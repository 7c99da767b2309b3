/** Comma-separated tables with real quoting (RFC 4180), read row by row. */
import { Readable } from 'node:stream';
import type { Options } from 'csv-parse';
import { DataError } from '../errors.js';
import { bytesOf } from './byte-stream.js';
import { missingColumn } from './missing-column.js';
import { decodeUtf8 } from './utf8.js';

/** Most characters of a row's fields; the parser looks at each, at some 50 MB a second. */
const LARGEST_ROW = 2 ** 26;
/** Most bytes between two newlines: the parser's own limit does not count commas, of which each makes a field. */
const LONGEST_LINE = 2 ** 25;

interface Row {
  record: string[];
  /** First line of the row, from 1. */
  where: string;
}

/** A table whose first row names its columns. @throws DataError */
export async function* csvTexts(path: string, column: string): AsyncGenerator<string> {
  let at = -1;
  for await (const { record, where } of rowsOf(path, {})) {
    if (at < 0) {
      at = record.indexOf(column);
      if (at < 0) throw missingColumn(path, column, record);
    } else if (record[at] === undefined) {
      throw shortRow(path, where, record.length, at + 1);
    } else {
      yield record[at];
    }
  }
}

/**
 * AG News: class, title, description, without a header; text = title, a space, description. A first row whose class
 * is not a number is taken for a header all the same, as some copies have one.
 */
export async function* agNewsTexts(path: string): AsyncGenerator<string> {
  let first = true;
  for await (const { record, where } of rowsOf(path, { ltrim: true })) {
    if (record.length < 3) throw shortRow(path, where, record.length, 3);
    if (!first || /^\d+$/.test(record[0])) yield `${record[1]} ${record[2]}`;
    first = false;
  }
}

async function* rowsOf(path: string, options: Options): AsyncGenerator<Row> {
  const { CsvError, parse } = await import('csv-parse');
  const parser = parse({
    bom: true,
    info: true,
    relax_column_count: true,
    skip_empty_lines: true,
    // Any of them, as pandas reads tables; left to find out which, the parser takes long over an endless first row.
    record_delimiter: ['\r\n', '\n', '\r'],
    max_record_size: LARGEST_ROW,
    ...options,
  });
  const input = Readable.from(checkedText(path));
  input.on('error', (cause) => parser.destroy(cause));
  input.pipe(parser);
  try {
    for await (const { record, info } of parser as AsyncIterable<{
      record: string[];
      info: { records: number };
    }>) {
      yield { record, where: `row ${info.records}` };
    }
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause;
    if (cause.code === 'CSV_MAX_RECORD_SIZE') throw tooLarge(path, 'row', LARGEST_ROW);
    throw new DataError({
      code: 'malformed-csv',
      message: `${path} is not a well-formed CSV file: ${cause.message.replace(/\.$/, '')}.`,
      hint: 'Fields with commas, quotes or newlines stand in double quotes; a quote inside is doubled.',
      cause,
    });
  } finally {
    input.destroy();
  }
}

/** The file as text, in pieces that end with a whole character. */
async function* checkedText(path: string): AsyncGenerator<string> {
  let pending: Buffer = Buffer.alloc(0);
  let offset = 0;
  let lineStart = 0;
  for await (const chunk of bytesOf(path)) {
    const bytes = pending.length ? Buffer.concat([pending, chunk]) : chunk;
    const end = bytes.length - incompleteBytes(bytes);
    yield decodeUtf8(bytes.subarray(0, end), path, offset);
    const newline = bytes.lastIndexOf(0x0a, Math.max(0, end - 1));
    if (newline >= 0) lineStart = offset + newline + 1;
    offset += end;
    if (offset - lineStart > LONGEST_LINE) throw tooLarge(path, 'line', LONGEST_LINE);
    pending = bytes.subarray(end);
  }
  if (pending.length) yield decodeUtf8(pending, path, offset);
}

/** Bytes at the end that begin a character and do not finish it. */
function incompleteBytes(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back];
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return back < (byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4) ? back : 0;
  }
  return 0;
}

function tooLarge(path: string, what: string, most: number): DataError {
  return new DataError({
    code: 'data-too-large',
    message: `${path} has a ${what} of more than ${most / 2 ** 20} MiB.`,
    hint: 'A quote that is never closed also does this. Longer texts: turn the table into .jsonl.',
  });
}

function shortRow(path: string, where: string, has: number, needs: number): DataError {
  return new DataError({
    code: 'short-row',
    message: `${path}, ${where} has ${has} column${has === 1 ? '' : 's'} where ${needs} are needed.`,
    hint: 'Correct or remove that row; a stray quote earlier in the file also does this.',
  });
}
