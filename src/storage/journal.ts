/**
 * A journal of finished work: JSON lines with checksums (journal-lines.ts), the first of them a header that identifies the work. One
 * writer has one file, which nobody else appends to, so writers on other machines cannot damage it. What is damaged costs the
 * lines from there on, and no others. Locks, names of files and joining several of them are up to the caller.
 */
import { closeSync, fsyncSync, openSync, readSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { FileError } from '../errors.js';
import { isMissing, reasonOf } from './file-failure.js';
import { readLines, writeLine } from './journal-lines.js';
import { makeFolder } from './make-folder.js';

/** All that decides the content: a journal with a different header belongs to other work. Plain JSON. */
export type JournalHeader = Record<string, unknown> & { key: string };

/** One line: a JSON object. */
export interface Journal<Entry extends object> {
  /** Adds one line; on disk within a second. @throws FileError when it cannot be written */
  append(entry: Entry): void;
  /** Flushes everything to disk. */
  close(): void;
}

const SYNC_MS = 1000;
const PIECE_BYTES = 2 ** 18;

/** A new file, made with the first line. @throws FileError when it cannot be written */
export function newJournal<Entry extends object>(path: string, header: JournalHeader): Journal<Entry> {
  let descriptor: number | null = null;
  let checksum = 0;
  const write = (value: object) => {
    const written = writeLine(value, checksum);
    // open since the first line
    writeFileSync(descriptor!, written.line);
    checksum = written.checksum;
  };
  let timer: NodeJS.Timeout | undefined;
  const sync = () => {
    clearTimeout(timer);
    timer = undefined;
    if (descriptor !== null) fsyncSync(descriptor);
  };
  return {
    append(entry) {
      attempt(path, () => {
        if (descriptor === null) {
          makeFolder(dirname(path));
          descriptor = openSync(path, 'ax');
          write(header);
        }
        write(entry);
      });
      timer ??= setTimeout(() => attempt(path, sync), SYNC_MS).unref();
    },
    close() {
      attempt(path, sync);
      if (descriptor !== null) closeSync(descriptor);
      descriptor = null;
    },
  };
}

/**
 * Reads the intact lines of a journal, which its writer may be appending to. None if it is missing or of other work.
 * @throws FileError when it cannot be read
 */
export function readJournal<Entry extends object>(
  path: string,
  header: JournalHeader,
  onEntry: (entry: Entry) => void,
): void {
  const descriptor = attempt(path, () => opened(path));
  if (descriptor === null) return;
  try {
    let isOurs: boolean | null = null;
    readLines(piecesOf(path, descriptor), (value) => {
      if (isOurs) onEntry(value as Entry);
      isOurs ??= canonical(value) === canonical(JSON.parse(JSON.stringify(header)));
    });
  } finally {
    closeSync(descriptor);
  }
}

function opened(path: string): number | null {
  try {
    return openSync(path, 'r');
  } catch (cause) {
    if (isMissing(cause)) return null;
    throw cause;
  }
}

function* piecesOf(path: string, descriptor: number): Generator<Buffer> {
  const piece = Buffer.allocUnsafeSlow(PIECE_BYTES);
  for (let position = 0; ; ) {
    const bytes = attempt(path, () => readSync(descriptor, piece, 0, PIECE_BYTES, position));
    if (bytes === 0) return;
    position += bytes;
    yield piece.subarray(0, bytes);
  }
}

/** JSON with sorted object keys, so that equal headers are equal text. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

function attempt<Value>(path: string, action: () => Value): Value {
  try {
    return action();
  } catch (cause) {
    throw new FileError({
      code: 'journal-not-writable',
      message: `The journal ${path} cannot be used: ${reasonOf(cause)}.`,
      hint: 'DUO_EVAL_CACHE names the folder for such files; choose one with room where you may write.',
      cause,
    });
  }
}
