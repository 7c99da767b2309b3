/**
 * Standard output is a result like any other: when it cannot be written whole, the run ends with an error and status 6, and
 * keeps what it finished. A reader that leaves early (`duo-eval … | head`) is not a failure. Failing to write to stderr
 * loses only that text.
 */
import { writeSync } from 'node:fs';
import type { FileError } from '../errors.js';
import { fileFailure, systemCodeOf } from '../storage/file-failure.js';

/** The first error; Node's own stream forgets it. */
let failed: unknown = null;

/** Must run before anything is written. */
export function guardStandardStreams(): void {
  process.stderr.on('error', () => {});
  process.stdout.on('error', (error) => {
    failed ??= error;
  });
  if (isFile(process.stdout)) process.stdout._write = writeWhole;
}

/** @throws FileError when something written to stdout did not arrive */
export function checkStandardOutput(): void {
  const failure = standardOutputFailure();
  if (failure) throw failure;
}

/** Why something written to stdout did not arrive; null if it did, or the reader left early. */
export function standardOutputFailure(): FileError | null {
  if (failed === null || systemCodeOf(failed) === 'EPIPE') return null;
  return fileFailure(failed, 'write to', 'standard output', 'Send it elsewhere, or write a file with --out.');
}

/** For files and devices, Node uses another kind of stream, whose type has no descriptor. */
function isFile(stream: NodeJS.WriteStream): boolean {
  return stream.constructor.name === 'SyncWriteStream';
}

/** Node's own `write` tries once, and drops what a nearly full disk did not take. */
function writeWhole(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
  try {
    for (let at = 0; at < chunk.length && failed === null; ) at += writeSync(process.stdout.fd, chunk, at);
  } catch (error) {
    failed ??= error; // recorded at once, so that nothing more is attempted
  }
  done();
}
