/**
 * Bytes of a data file, unpacked where its name ends in .gz. Streams do not grow with the file; reading a file whole
 * has a limit, so that a small archive of endless zeros ends in a sentence, not in exhausted memory.
 */
import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { DataError } from '../errors.js';
import { fileFailure, systemCodeOf } from '../storage/file-failure.js';

/** Most bytes of one text, one line, or one file that has to be read whole: what a JavaScript string can hold. */
export const MOST_BYTES_AT_ONCE = 2 ** 29 - 2 ** 10;

/** Chunks of the file, unpacked. @throws DataError for a broken archive, FileError when it cannot be read */
export async function* bytesOf(path: string): AsyncGenerator<Buffer> {
  const file = createReadStream(path, { highWaterMark: 2 ** 18 });
  if (!isCompressed(path)) {
    yield* readable(file, path);
    return;
  }
  const unpacked = createGunzip();
  file.on('error', (cause) => unpacked.destroy(cause));
  try {
    yield* readable(file.pipe(unpacked), path);
  } finally {
    file.destroy();
  }
}

/** The whole file, unpacked. @throws DataError when it is larger than `most` bytes */
export async function wholeFile(path: string, most = MOST_BYTES_AT_ONCE): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of bytesOf(path)) {
    size += chunk.length;
    if (size > most) throw tooLarge(path, most);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

export function isCompressed(path: string): boolean {
  return /\.gz$/i.test(path);
}

function tooLarge(path: string, most: number): DataError {
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
