/** Chooses the reader of a data file: by its ending (.gz of any), and for the seven by their published form. */
import { statSync } from 'node:fs';
import { basename } from 'node:path';
import { closest, DataError } from '../errors.js';
import { BUDGET } from './budget.js';
import { dataTooLarge, isCompressed, whole } from './byte-stream.js';
import { csvRows, csvTexts, tsvTexts } from './csv-texts.js';
import { jsonRows, jsonTexts } from './json-lines.js';
import { parquetRows, parquetTexts } from './parquet-texts.js';
import { PROTOCOL_DATASETS, type ProtocolDataset } from './protocol-table.js';
import { NullRows, type TextColumn } from './text-column.js';
import { eachText, type TextBatches, type TextSource } from './text-source.js';
import { decodeUtf8, utf8BytesOf, withoutByteOrderMark } from './utf8.js';

export interface FileReading {
  /** How bytes become texts, e.g. `json-lines:text`. */
  reading: string;
  texts(): TextBatches;
  /** Reads only the beginning. @throws what `texts` would throw there */
  look(): Promise<void>;
  /** Rows without text that the latest reading skipped. */
  skippedRows(): number;
  /** See {@link TextSource.beginsDocument}. */
  beginsDocument: TextSource['beginsDocument'];
}

/** What a user specifies about a table. */
export interface TableOptions {
  /** Column with the text. */
  textColumn?: string;
  /** Skip rows whose text is null. */
  skipNull?: boolean;
}

const DEFAULT_COLUMN = 'text';

/** A row of a table, and what names it in errors: `line 3`. */
export interface TableRow {
  record: Record<string, unknown>;
  where: string;
}

interface TableReader {
  form: string;
  /** The texts of one column. */
  read(path: string, column: TextColumn): TextBatches;
  /** Whole rows. */
  rows(path: string): AsyncGenerator<TableRow[]>;
}

/** The table readers, by ending. */
const TABLES: Record<string, TableReader> = {
  '.jsonl': { form: 'json-lines', read: jsonTexts, rows: jsonRows },
  '.ndjson': { form: 'json-lines', read: jsonTexts, rows: jsonRows },
  '.json': { form: 'json', read: jsonTexts, rows: jsonRows },
  '.csv': { form: 'csv', read: csvTexts, rows: (path) => csvRows(path, ',') },
  '.tsv': { form: 'tsv', read: tsvTexts, rows: (path) => csvRows(path, '\t') },
  '.parquet': { form: 'parquet', read: parquetTexts, rows: parquetRows },
};

/** Endings of tables; .gz may follow. */
export const TABLE_ENDINGS: readonly string[] = Object.keys(TABLES);

/** Whole rows of a table, in batches. @throws DataError for an ending that names no table, and for what is not sound */
export function tableRows(path: string): AsyncGenerator<TableRow[]> {
  const table = TABLES[endingOf(path)];
  if (table) return table.rows(path);
  throw new DataError({
    code: 'unknown-data-form',
    message: `The ending of ${path} names no table.`,
    hint: `Known endings: ${TABLE_ENDINGS.join(', ')}, and .gz of any.`,
  });
}

/** Endings that identify the form of a file, in the order that messages list them; .gz may follow. */
export const DATA_ENDINGS: readonly string[] = ['.txt', ...Object.keys(TABLES)];

/** For hints. */
export const KNOWN_ENDINGS = '.txt, .jsonl, .json, .csv, .tsv, .parquet, and .gz of any';

/** A file of one of the seven: as published, or a table made from it; `textColumn` marks a table. */
export function protocolFile(dataset: ProtocolDataset, path: string, options: TableOptions): FileReading {
  const ending = endingOf(path);
  const { reading, beginsDocument, readPublished, publishedEndings, column } = dataset;
  if (!TABLES[ending] || (publishedEndings.includes(ending) && options.textColumn === undefined)) {
    const texts = () => readPublished(path);
    return { reading, texts, look: () => firstOf(texts()), skippedRows: () => 0, beginsDocument };
  }
  return { ...tableReading(path, options.textColumn ?? column, options), beginsDocument };
}

/** A user's own file. @param name that it was given   @throws DataError when its ending is unknown */
export function genericFile(path: string, options: TableOptions, name?: string): FileReading {
  const ending = endingOf(path);
  if (ending === '.txt') {
    return {
      reading: 'plain-text',
      texts: () => plainText(path),
      look: () => lookAtPlainText(path),
      skippedRows: () => 0,
      beginsDocument: null,
    };
  }
  if (TABLES[ending]) return tableReading(path, options.textColumn ?? DEFAULT_COLUMN, options);
  const near = name ? closest(name, Object.keys(PROTOCOL_DATASETS)) : null;
  throw new DataError({
    code: 'unknown-data-form',
    message: `The ending of ${path} does not say what it holds.`,
    hint: `${near ? `Did you mean --dataset ${near}=${path}? ` : ''}Known endings: ${KNOWN_ENDINGS}.`,
  });
}

function tableReading(path: string, name: string, { skipNull }: TableOptions): FileReading {
  const { form, read } = TABLES[endingOf(path)];
  let nulls = new NullRows(false);
  const texts = () => {
    nulls = new NullRows(skipNull === true);
    return read(path, { name, nulls });
  };
  return {
    reading: `${form}:${name}${skipNull ? ':skip-null' : ''}`,
    texts,
    look: () => firstOf(texts()),
    skippedRows: () => nulls.skipped,
    beginsDocument: eachText,
  };
}

async function firstOf(batches: TextBatches): Promise<void> {
  for await (const texts of batches) if (texts.length > 0) return;
}

/** In lower case, without .gz; empty when there is none. */
export function endingOf(path: string): string {
  return /\.[^.]+$/.exec(basename(path).replace(/\.gz$/i, ''))?.[0].toLowerCase() ?? '';
}

/** A .txt file is one text, unchanged. */
async function* plainText(path: string): TextBatches {
  yield [withoutByteOrderMark(decodeUtf8(await whole(utf8BytesOf(path), path), path))];
}

/** Reads only the beginning. @throws DataError for a file that {@link plainText} would refuse by its beginning or size */
async function lookAtPlainText(path: string): Promise<void> {
  // UTF-16 may take two bytes where UTF-8 takes one.
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (!isCompressed(path) && size > 2 * BUDGET.text) throw dataTooLarge(path, BUDGET.text);
  for await (const _ of utf8BytesOf(path)) return;
}
