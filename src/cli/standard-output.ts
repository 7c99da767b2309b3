/**
 * Standard output is a result like any other: when it cannot be written whole, the run ends with a sentence and status 6,
 * and what it finished is kept. A reader who leaves early (`duo-eval … | head`) is no failure. What cannot be said on
 * stderr is lost, and nothing else.
 */
import { writeSync } from 'node:fs';
import type { FileError } from '../errors.js';
import { fileFailure, systemCodeOf } from '../storage/file-failure.js';

/** What went wrong first; Node's own stream forgets it. */
let failed: unknown = null;

/** Before anything is written. */
export function guardStandardStreams(): void {
  process.stderr.on('error', () => {});
  process.stdout.on('error', (error) => {
    failed ??= error;
  });
  if (isFile(process.stdout)) process.stdout._write = writeWhole;
}

/** @throws FileError when something that was written to stdout did not arrive */
export function checkStandardOutput(): void {
  const failure = standardOutputFailure();
  if (failure) throw failure;
}

/** Why something that was written to stdout did not arrive; null where it did, or nobody wanted it. */
export function standardOutputFailure(): FileError | null {
  if (failed === null || systemCodeOf(failed) === 'EPIPE') return null;
  return fileFailure(failed, 'write to', 'standard output', 'Send it elsewhere, or write a file with --out.');
}

/** Node writes to files and devices with a stream of its own kind, which has no descriptor to ask. */
function isFile(stream: NodeJS.WriteStream): boolean {
  return stream.constructor.name === 'SyncWriteStream';
}

/** Node's own asks once, and drops what a disk that is nearly full did not take. */
function writeWhole(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
  try {
    for (let at = 0; at < chunk.length && failed === null; ) at += writeSync(process.stdout.fd, chunk, at);
  } catch (error) {
    failed ??= error; // known at once, so that what was to follow does not happen
  }
  done();
}
