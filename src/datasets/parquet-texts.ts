/**
 * Texts of one column of a Parquet table, page by page. Declared offsets, sizes and counts are checked against the file
 * before anything is read or allocated for them, so memory is that of a page.
 */
import { closeSync, readSync } from 'node:fs';
import { DataError, DuoEvalError } from '../errors.js';
import { gitLfsPointer, isGitLfsPointer, openRegularFile } from '../storage/small-file.js';
import { Unfolding } from './budget.js';
import { HEAD_BYTES, isCompressed, wholeFile } from './byte-stream.js';
import { missingColumn, notText } from './missing-column.js';
import { type ByteSource, type Column, readFooter } from './parquet/footer.js';
import { textsOfChunk } from './parquet/pages.js';
import type { TextColumn } from './text-column.js';
import type { TextBatches } from './text-source.js';
import { decodeUtf8 } from './utf8.js';

/** Texts, and characters, per batch. */
const MOST_TEXTS = 4096;
const MOST_CHARACTERS = 2 ** 20;

/** @throws DataError for a file that is not sound Parquet, a column that is missing, or a row without text */
export async function* parquetTexts(path: string, column: TextColumn): TextBatches {
  const file = await openFile(path);
  try {
    yield* columnTexts(file, path, column);
  } catch (cause) {
    if (cause instanceof DuoEvalError) throw cause;
    throw unsound(path, (cause as Error).message, cause);
  } finally {
    file.close();
  }
}

/** Rows that are read together. */
const MOST_ROWS = 1024;

/**
 * Every row of the table, lists and structs included, as objects.
 * @throws DataError for a file that is not sound Parquet, or unfolds too far
 */
export async function* parquetRows(
  path: string,
): AsyncGenerator<{ record: Record<string, unknown>; where: string }[]> {
  const { source, size, close } = await openFile(path);
  try {
    // The same checks of what the footer declares as for texts, before another reader trusts it.
    const { rows, groups } = await readFooter(source);
    const unfolding = new Unfolding(path, size);
    for (const { chunks } of groups) for (const { values } of chunks) unfolding.add(values);
    const { parquetReadObjects } = await import('hyparquet');
    const { compressors } = await import('hyparquet-compressors');
    const file = {
      byteLength: source.byteLength,
      async slice(start: number, end = source.byteLength) {
        const bytes = await source.read(start, Math.min(end, source.byteLength));
        return new Uint8Array(bytes).buffer;
      },
    };
    for (let rowStart = 0; rowStart < rows; rowStart += MOST_ROWS) {
      const rowEnd = Math.min(rows, rowStart + MOST_ROWS);
      const records = await parquetReadObjects({ file, compressors, rowStart, rowEnd });
      yield records.map((record, i) => ({ record: plainRow(record), where: `row ${rowStart + i + 1}` }));
    }
  } catch (cause) {
    if (cause instanceof DuoEvalError) throw cause;
    throw unsound(path, (cause as Error).message, cause);
  } finally {
    close();
  }
}

/** Whole numbers come as bigint where 64 bits are declared. */
function plainRow(record: Record<string, unknown>): Record<string, unknown> {
  const plain = (value: unknown): unknown => {
    if (typeof value === 'bigint') return Number(value);
    if (Array.isArray(value)) return value.map(plain);
    if (value === null || typeof value !== 'object' || value instanceof Date) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
  };
  return plain(record) as Record<string, unknown>;
}

async function* columnTexts(
  { source, size }: OpenTable,
  path: string,
  { name, nulls }: TextColumn,
): TextBatches {
  const { columns, groups } = await readFooter(source);
  const column = columnCalled(name, columns, path);
  const unfolding = new Unfolding(path, size);
  const decode = (bytes: Buffer) => decodeUtf8(bytes, path);
  let row = 0;
  for (const { rows, chunks } of groups) {
    if (rows === 0) continue;
    const chunk = chunks[column.chunk];
    if (chunk?.path !== name) throw unsound(path, `a row group has no column ${name}`);
    if (chunk.values !== rows) throw unsound(path, `a row group has ${rows} rows and ${chunk.values} texts`);
    for await (const page of textsOfChunk({ file: source, chunk, column, decode, unfolding })) {
      let texts: string[] = [];
      let characters = 0;
      for (const text of page) {
        row++;
        if (text === null) {
          nulls.meet(path, name, `row ${row}`);
          continue;
        }
        texts.push(text);
        characters += text.length;
        if (texts.length < MOST_TEXTS && characters < MOST_CHARACTERS) continue;
        yield texts;
        texts = [];
        characters = 0;
      }
      yield texts;
    }
  }
}

function columnCalled(name: string, columns: readonly Column[], path: string): Column {
  const [column] = columns.filter((one) => one.name === name).sort((a, b) => a.depth - b.depth);
  if (!column) {
    const readable = columns.filter(({ kind }) => kind !== 'struct');
    throw missingColumn(
      path,
      name,
      readable.map((one) => one.name),
    );
  }
  if (column.kind === 'text') return column;
  if (column.kind !== 'struct') throw notText(path, name, EXAMPLES[column.kind], 'row 1');
  const fields = columns.filter((one) => one.name.startsWith(`${name}.`) && one.depth === column.depth + 1);
  const struct = Object.fromEntries(fields.map((one) => [one.name.slice(name.length + 1), null]));
  throw notText(path, name, struct, 'row 1');
}

/** Sample value for each kind that is not text, for the message. */
const EXAMPLES: Record<Exclude<Column['kind'], 'text' | 'struct'>, unknown> = {
  number: 0,
  bytes: [],
  list: [],
  object: {},
};

interface OpenTable {
  source: ByteSource;
  /** Size of the file in bytes. */
  size: number;
  close(): void;
}

async function openFile(path: string): Promise<OpenTable> {
  const { descriptor, size } = openRegularFile(path);
  if (isCompressed(path)) {
    closeSync(descriptor);
    const bytes = await wholeFile(path);
    const read = async (start: number, end: number) => bytes.subarray(start, end);
    return { source: { byteLength: bytes.length, read }, size, close: () => {} };
  }
  const read = async (start: number, end: number) => {
    const bytes = Buffer.alloc(end - start);
    for (let filled = 0; filled < bytes.length; ) {
      const bytesRead = readSync(descriptor, bytes, filled, bytes.length - filled, start + filled);
      if (bytesRead === 0) throw unsound(path, 'it became shorter while it was read');
      filled += bytesRead;
    }
    return bytes;
  };
  const close = () => closeSync(descriptor);
  try {
    if (isGitLfsPointer(await read(0, Math.min(size, HEAD_BYTES)))) throw gitLfsPointer(path);
  } catch (cause) {
    close();
    throw cause;
  }
  return { source: { byteLength: size, read }, size, close };
}

function unsound(path: string, why: string, cause?: unknown): DataError {
  return new DataError({
    code: 'broken-parquet',
    message: `${path} is not a sound Parquet file: ${why.replace(/\.$/, '')}.`,
    hint: 'Download or write it again.',
    cause,
  });
}
