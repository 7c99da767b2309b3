/** Which reader a data file needs: by its ending (.gz of any), and for the seven by the form they are published in. */
import { basename } from 'node:path';
import { closest, DataError } from '../errors.js';
import { csvTexts } from './csv-texts.js';
import { jsonLinesTexts } from './json-lines.js';
import { parquetTexts } from './parquet-texts.js';
import { plainText } from './plain-text.js';
import { PROTOCOL_DATASETS, type ProtocolDataset } from './protocol-table.js';
import { eachText, type TextSource } from './text-source.js';

export interface FileReading {
  /** With the file's bytes it decides the texts, e.g. `json-lines:text`. */
  reading: string;
  texts(): AsyncIterable<string>;
  /** As of a source. */
  beginsDocument: TextSource['beginsDocument'];
}

const DEFAULT_COLUMN = 'text';

/** The table readers, by ending. */
const TABLES: Record<string, { form: string; read(path: string, column: string): AsyncIterable<string> }> = {
  '.jsonl': { form: 'json-lines', read: jsonLinesTexts },
  '.ndjson': { form: 'json-lines', read: jsonLinesTexts },
  '.json': { form: 'json-lines', read: jsonLinesTexts },
  '.csv': { form: 'csv', read: csvTexts },
  '.parquet': { form: 'parquet', read: parquetTexts },
};

/** A file of one of the seven: as published, or a table made of it; `textColumn` says it is a table. */
export function protocolFile(dataset: ProtocolDataset, path: string, textColumn?: string): FileReading {
  const ending = endingOf(path);
  const table = TABLES[ending];
  if (!table || (dataset.publishedEndings.includes(ending) && textColumn === undefined)) {
    const { reading, beginsDocument } = dataset;
    return { reading, texts: () => dataset.readPublished(path), beginsDocument };
  }
  return {
    ...tableReading(ending, path, textColumn ?? dataset.column),
    beginsDocument: dataset.beginsDocument,
  };
}

/** A file of the user's own. @throws DataError when its ending says nothing */
export function genericFile(path: string, textColumn?: string, name?: string): FileReading {
  const ending = endingOf(path);
  if (ending === '.txt') return { reading: 'plain-text', texts: () => plainText(path), beginsDocument: null };
  if (TABLES[ending]) return tableReading(ending, path, textColumn ?? DEFAULT_COLUMN);
  const near = name ? closest(name, Object.keys(PROTOCOL_DATASETS)) : null;
  throw new DataError({
    code: 'unknown-data-form',
    message: `The ending of ${path} does not say what it holds.`,
    hint: `${near ? `Did you mean --dataset ${near}=${path}? ` : ''}Known endings: .txt, .jsonl, .csv, .parquet, and .gz of any.`,
  });
}

/** The file's name without folder and endings: what a data set given only as a path is called. */
export function nameOfFile(path: string): string {
  const name = basename(path).replace(/\.gz$/i, '');
  return name.replace(/\.[^.]+$/, '') || name;
}

function tableReading(ending: string, path: string, column: string): FileReading {
  const { form, read } = TABLES[ending];
  return { reading: `${form}:${column}`, texts: () => read(path, column), beginsDocument: eachText };
}

function endingOf(path: string): string {
  return /\.[^.]+$/.exec(basename(path).replace(/\.gz$/i, ''))?.[0].toLowerCase() ?? '';
}
