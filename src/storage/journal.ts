/**
 * A journal of finished work: JSON lines with checksums (journal-lines.ts) appended to a file, the first of them a header that
 * identifies the work. A stopped run reads them back. A last line torn by a crash is dropped; any other damage is an error.
 * Locks and the location of the file are up to the caller.
 */
import {
  closeSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { FileError } from '../errors.js';
import { reasonOf } from '../storage/file-failure.js';
import { type ReadLines, readLines, writeLine } from './journal-lines.js';

/** All that decides the content: a journal with a different header belongs to other work. Plain JSON. */
export type JournalHeader = Record<string, unknown> & { key: string };

export interface JournalOptions<Entry extends object> {
  /** Start anew and ignore existing work (`--fresh`). */
  fresh?: boolean;
  /** Receives the lines of earlier runs one by one, instead of `entries`, if they are too many for memory. If the journal turns
   *  out to be damaged, they must be discarded. */
  onEntry?: (entry: Entry) => void;
}

/** One line: a JSON object. */
export interface Journal<Entry extends object> {
  /** The lines of earlier runs, in order; empty if `onEntry` received them. */
  readonly entries: readonly Entry[];
  /** Adds one line; on disk within a second. @throws FileError when it cannot be written */
  append(entry: Entry): void;
  /** Flushes everything to disk and keeps the file for a later run. */
  close(): void;
  /** Removes the file after the work is complete; the next run starts anew. */
  finish(): void;
}

const SYNC_MS = 1000;
const PIECE_BYTES = 2 ** 18;

/** @throws FileError when the file cannot be used, is damaged before its end, or belongs to other work */
export function openJournal<Entry extends object>(
  path: string,
  header: JournalHeader,
  { fresh = false, onEntry }: JournalOptions<Entry> = {},
): Journal<Entry> {
  const descriptor = attempt(path, () => {
    mkdirSync(dirname(path), { recursive: true });
    if (fresh) rmSync(path, { force: true });
    return openSync(path, 'a+');
  });
  const entries: Entry[] = [];
  const keep = (entry: Entry) => {
    entries.push(entry);
  };
  let checksum = 0;
  const write = (value: object) => {
    const written = writeLine(value, checksum);
    writeFileSync(descriptor, written.line);
    checksum = written.checksum;
  };
  try {
    const kept = readBack(path, descriptor, header, (entry) => (onEntry ?? keep)(entry as Entry));
    checksum = kept.checksum;
    attempt(path, () => {
      if (kept.bytes < fstatSync(descriptor).size) ftruncateSync(descriptor, kept.bytes);
      if (kept.bytes === 0) write(header);
      fsyncSync(descriptor);
    });
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }

  let timer: NodeJS.Timeout | undefined;
  let isOpen = true;
  const sync = () => {
    clearTimeout(timer);
    timer = undefined;
    if (isOpen) attempt(path, () => fsyncSync(descriptor));
  };
  const close = () => {
    if (!isOpen) return;
    sync();
    isOpen = false;
    closeSync(descriptor);
  };
  return {
    entries,
    append(entry) {
      attempt(path, () => write(entry));
      timer ??= setTimeout(sync, SYNC_MS).unref();
    },
    close,
    finish() {
      close(); // no effect if it is already closed
      attempt(path, () => rmSync(path, { force: true }));
    },
  };
}

function readBack(
  path: string,
  descriptor: number,
  header: JournalHeader,
  onEntry: (entry: object) => void,
): ReadLines {
  let isHeader = true;
  const read = readLines(piecesOf(path, descriptor), (value) => {
    if (!isHeader) onEntry(value);
    else if (canonical(value) !== canonical(JSON.parse(JSON.stringify(header))))
      throw refusal(path, 'journal-of-other-work', 'was written for other models, data or settings');
    isHeader = false;
  });
  if (read.damagedLine !== null)
    throw refusal(path, 'journal-damaged', `is damaged at line ${read.damagedLine}`);
  return read;
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

function refusal(path: string, code: string, what: string): FileError {
  return new FileError({
    code,
    message: `The journal ${path} ${what}, so the run cannot be taken up from it.`,
    hint: '--fresh ignores it and starts anew.',
  });
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
