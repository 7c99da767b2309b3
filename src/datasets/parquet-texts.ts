/**
 * Parquet tables: the texts of one column, page by page. Offsets, sizes and counts that the file declares are held
 * against the file before anything is read or allocated for them, so memory is that of a page.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { DataError, DuoEvalError } from '../errors.js';
import { fileFailure } from '../storage/file-failure.js';
import { isCompressed, wholeFile } from './byte-stream.js';
import { missingColumn, notText } from './missing-column.js';
import { type ByteSource, type Column, readFooter } from './parquet/footer.js';
import { textsOfChunk } from './parquet/pages.js';
import { decodeUtf8 } from './utf8.js';

/** @throws DataError for a file that is not sound Parquet, a column that is missing, or a row without text */
export async function* parquetTexts(path: string, column: string): AsyncGenerator<string> {
  const file = await openFile(path);
  try {
    yield* columnTexts(file.source, path, column);
  } catch (cause) {
    if (cause instanceof DuoEvalError) throw cause;
    throw unsound(path, (cause as Error).message, cause);
  } finally {
    await file.close();
  }
}

async function* columnTexts(source: ByteSource, path: string, name: string): AsyncGenerator<string> {
  const { columns, groups } = await readFooter(source);
  const column = columns.find((one) => one.name === name);
  if (!column) {
    throw missingColumn(
      path,
      name,
      columns.map((one) => one.name),
    );
  }
  if (column.kind !== 'text') throw notText(path, name, EXAMPLES[column.kind], 'row 1');
  const decode = (bytes: Buffer) => decodeUtf8(bytes, path);
  let row = 0;
  for (const { rows, chunks } of groups) {
    const chunk = chunks.find((one) => one.path === name);
    if (!chunk) throw unsound(path, `a row group has no column ${name}`);
    if (chunk.values !== rows) throw unsound(path, `a row group has ${rows} rows and ${chunk.values} texts`);
    for await (const text of textsOfChunk(source, chunk, column, decode)) {
      row++;
      if (text === null) throw notText(path, name, text, `row ${row}`);
      yield text;
    }
  }
}

/** A value of each kind that is no text, for the message. */
const EXAMPLES: Record<Exclude<Column['kind'], 'text'>, unknown> = {
  number: 0,
  bytes: [],
  nested: [],
  object: {},
};

async function openFile(path: string): Promise<{ source: ByteSource; close(): Promise<void> }> {
  if (isCompressed(path)) {
    const bytes = await wholeFile(path);
    const read = async (start: number, end: number) => bytes.subarray(start, end);
    return { source: { byteLength: bytes.length, read }, close: async () => {} };
  }
  let handle: FileHandle;
  try {
    handle = await open(path);
  } catch (cause) {
    throw fileFailure(cause, 'read', path);
  }
  const { size } = await handle.stat();
  const read = async (start: number, end: number) => {
    const bytes = Buffer.alloc(end - start);
    for (let filled = 0; filled < bytes.length; ) {
      const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, start + filled);
      if (bytesRead === 0) throw unsound(path, 'it became shorter while it was read');
      filled += bytesRead;
    }
    return bytes;
  };
  return { source: { byteLength: size, read }, close: () => handle.close() };
}

function unsound(path: string, why: string, cause?: unknown): DataError {
  return new DataError({
    code: 'broken-parquet',
    message: `${path} is not a sound Parquet file: ${why.replace(/\.$/, '')}.`,
    hint: 'Download or write it again.',
    cause,
  });
}
