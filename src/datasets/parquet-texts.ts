/**
 * Parquet tables, one row group at a time: the text column only. Offsets and sizes that the file declares are held
 * against the file before anything is read or allocated for them.
 */
import { type FileHandle, open } from 'node:fs/promises';
import type { AsyncBuffer, Compressors, FileMetaData, RowGroup } from 'hyparquet';
import { DataError, DuoEvalError } from '../errors.js';
import { fileFailure } from '../storage/file-failure.js';
import { isCompressed, MOST_BYTES_AT_ONCE, wholeFile } from './byte-stream.js';
import { missingColumn, notText } from './missing-column.js';
import { decodeUtf8 } from './utf8.js';

/** @throws DataError for a file that is not sound Parquet, a column that is missing, or a row without text */
export async function* parquetTexts(path: string, column: string): AsyncGenerator<string> {
  const file = await openParquet(path);
  try {
    yield* columnTexts(file.buffer, path, column);
  } catch (cause) {
    if (cause instanceof DuoEvalError) throw cause;
    throw unsound(path, (cause as Error).message, cause);
  } finally {
    await file.close();
  }
}

async function* columnTexts(file: AsyncBuffer, path: string, column: string): AsyncGenerator<string> {
  const { parquetMetadataAsync, parquetReadObjects } = await import('hyparquet');
  if (file.byteLength < 12) throw unsound(path, 'it is too short');
  const metadata = await parquetMetadataAsync(file);
  const columns = topLevelColumns(metadata);
  if (!columns.includes(column)) throw missingColumn(path, column, columns);
  const compressors = await boundedCompressors(path);
  const parsers = {
    stringFromBytes: (bytes: Uint8Array) =>
      bytes && decodeUtf8(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), path),
  };
  let rowStart = 0;
  for (const group of metadata.row_groups) {
    checkSizes(group, file.byteLength, path);
    const rowEnd = rowStart + Number(group.num_rows);
    const rows = await parquetReadObjects({
      file,
      metadata,
      columns: [column],
      rowStart,
      rowEnd,
      compressors,
      parsers,
    });
    for (const [i, row] of rows.entries()) {
      const text: unknown = row[column];
      if (typeof text !== 'string') throw notText(path, column, text, `row ${rowStart + i + 1}`);
      yield text;
    }
    rowStart = rowEnd;
  }
}

/** Names of the columns under the schema's root; a nested column counts once. */
function topLevelColumns({ schema }: FileMetaData): string[] {
  const names: string[] = [];
  for (let i = 1; i < schema.length; ) {
    names.push(schema[i].name);
    let open = 1;
    for (; open > 0 && i < schema.length; i++) open += (schema[i].num_children ?? 0) - 1;
  }
  return names;
}

function checkSizes(group: RowGroup, fileBytes: number, path: string): void {
  for (const { meta_data: chunk, file_path: elsewhere } of group.columns) {
    if (elsewhere) throw unsound(path, 'a column lies in another file');
    if (!chunk) throw unsound(path, 'a column has no description');
    const start = chunk.dictionary_page_offset ?? chunk.data_page_offset;
    if (
      start < 0n ||
      chunk.total_compressed_size < 0n ||
      start + chunk.total_compressed_size > BigInt(fileBytes)
    ) {
      throw unsound(path, `column ${chunk.path_in_schema.join('.')} reaches beyond the end of the file`);
    }
  }
  if (group.num_rows < 0n || group.num_rows > 2n ** 31n)
    throw unsound(path, 'a row group has no sensible size');
}

/** The decompressors, refusing pages that say they unpack to more than memory should hold. */
async function boundedCompressors(path: string): Promise<Compressors> {
  const { compressors } = await import('hyparquet-compressors');
  return Object.fromEntries(
    Object.entries(compressors as Compressors).map(([codec, unpack]) => [
      codec,
      (input: Uint8Array, outputLength: number) => {
        if (outputLength > MOST_BYTES_AT_ONCE)
          throw unsound(path, 'a page is larger than can be read at once');
        return unpack(input, outputLength);
      },
    ]),
  );
}

async function openParquet(path: string): Promise<{ buffer: AsyncBuffer; close(): Promise<void> }> {
  if (isCompressed(path)) {
    const bytes = await wholeFile(path);
    const slice = async (start: number, end = bytes.length) =>
      exactly(bytes.subarray(start, end), path, start, end);
    return { buffer: { byteLength: bytes.length, slice }, close: async () => {} };
  }
  let handle: FileHandle;
  try {
    handle = await open(path);
  } catch (cause) {
    throw fileFailure(cause, 'read', path);
  }
  const { size } = await handle.stat();
  const slice = async (start: number, end = size) => {
    if (!(start >= 0 && start <= end && end <= size)) throw unsound(path, 'it points beyond its end');
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(end - start), 0, end - start, start);
    return exactly(buffer.subarray(0, bytesRead), path, start, end);
  };
  return { buffer: { byteLength: size, slice }, close: () => handle.close() };
}

/** A buffer of its own, as the reader wants it. */
function exactly(bytes: Buffer, path: string, start: number, end: number): ArrayBuffer {
  if (bytes.length !== end - start) throw unsound(path, 'it points beyond its end');
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer;
}

function unsound(path: string, why: string, cause?: unknown): DataError {
  return new DataError({
    code: 'broken-parquet',
    message: `${path} is not a sound Parquet file: ${why.replace(/\.$/, '')}.`,
    hint: 'Download or write it again.',
    cause,
  });
}
