/**
 * Bytes of a data file, decompressed when its name ends in .gz. Streaming takes constant memory; reading a whole file
 * has a limit, so a small archive of endless zeros ends with an error and does not exhaust memory.
 */
import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { DataError } from '../errors.js';
import { fileFailure, systemCodeOf } from '../storage/file-failure.js';
import { gitLfsPointer, isGitLfsPointer, openRegularFile } from '../storage/small-file.js';
import { BUDGET, Unfolding } from './budget.js';

/** How many leading bytes serve to detect a Git LFS pointer and the encoding. */
export const HEAD_BYTES = 64;
const CHUNK_BYTES = 2 ** 18;

/**
 * Chunks of the decompressed file; the first has at least {@link HEAD_BYTES} bytes, unless the file is shorter.
 * @throws DataError for a broken archive or one that expands too far   @throws FileError when it cannot be read
 */
export async function* bytesOf(path: string): AsyncGenerator<Buffer> {
  let head: Buffer | null = Buffer.alloc(0);
  for await (const chunk of unpackedBytes(path)) {
    if (head === null) {
      yield chunk;
      continue;
    }
    head = head.length === 0 ? chunk : Buffer.concat([head, chunk]);
    if (head.length < HEAD_BYTES) continue;
    yield checkedHead(head, path);
    head = null;
  }
  if (head !== null && head.length > 0) yield checkedHead(head, path);
}

/** The whole file, decompressed. @throws DataError when it is larger than `most` bytes */
export async function wholeFile(path: string, most: number = BUDGET.text): Promise<Buffer> {
  return whole(bytesOf(path), path, most);
}

/** @throws DataError when there are more than `most` bytes */
export async function whole(
  bytes: AsyncIterable<Buffer>,
  path: string,
  most: number = BUDGET.text,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of bytes) {
    size += chunk.length;
    if (size > most) throw dataTooLarge(path, most);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

export function isCompressed(path: string): boolean {
  return /\.gz$/i.test(path);
}

async function* unpackedBytes(path: string): AsyncGenerator<Buffer> {
  const { descriptor, size } = openRegularFile(path);
  const file = createReadStream(path, { fd: descriptor, highWaterMark: CHUNK_BYTES });
  if (!isCompressed(path)) {
    yield* readable(file, path);
    return;
  }
  const unfolding = new Unfolding(path, size);
  const unpacked = createGunzip({ chunkSize: CHUNK_BYTES });
  file.on('error', (cause) => unpacked.destroy(cause));
  try {
    for await (const chunk of readable(file.pipe(unpacked), path)) {
      unfolding.add(chunk.length);
      yield chunk;
    }
  } finally {
    file.destroy();
  }
}

function checkedHead(head: Buffer, path: string): Buffer {
  if (isGitLfsPointer(head)) throw gitLfsPointer(path);
  return head;
}

/** The error for a file that must be read whole and is too large. @param most bytes */
export function dataTooLarge(path: string, most: number): DataError {
  return new DataError({
    code: 'data-too-large',
    message: `${path} holds more than ${Math.floor(most / 2 ** 20)} MiB that would have to be read at once.`,
    hint: 'Split it, or turn it into .jsonl with one text a line: those are read line by line.',
  });
}

async function* readable(stream: AsyncIterable<Buffer>, path: string): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of stream) yield chunk;
  } catch (cause) {
    const systemCode = systemCodeOf(cause);
    if (systemCode?.startsWith('Z_')) {
      throw new DataError({
        code: 'broken-archive',
        message: `${path} is not a whole gzip file: ${(cause as Error).message}.`,
        hint: 'Download or compress it again.',
        cause,
      });
    }
    throw systemCode ? fileFailure(cause, 'read', path) : cause;
  }
}
