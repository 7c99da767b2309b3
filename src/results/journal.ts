/**
 * Work already done, kept as it comes: JSON lines appended to a file, the first of them a header that says what the
 * work is. A stopped run reads them back; a line torn by a crash is dropped. Who may hold the file at one time, and
 * where it lies, is not decided here.
 */
import {
  closeSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { FileError } from '../errors.js';

/** What decides the content: a journal whose header differs is of other work. Plain JSON. */
export type JournalHeader = Record<string, unknown> & { key: string };

export interface JournalOptions {
  /** Begin anew, whatever is there (`--fresh`). */
  fresh?: boolean;
}

export interface Journal<Entry> {
  /** What earlier runs appended, in order. */
  readonly entries: readonly Entry[];
  /** Adds one line; on disk within a second. @throws FileError when it cannot be written */
  append(entry: Entry): void;
  /** Everything on disk now, the file kept for a later run. */
  close(): void;
  /** The work is complete: the file is removed, and the next run starts anew. */
  finish(): void;
}

const SYNC_MS = 1000;

/** @throws FileError when the file cannot be used, is damaged before its end, or is of other work */
export function openJournal<Entry>(
  path: string,
  header: JournalHeader,
  { fresh = false }: JournalOptions = {},
): Journal<Entry> {
  const state = attempt(path, () => {
    mkdirSync(dirname(path), { recursive: true });
    if (fresh) rmSync(path, { force: true });
    const descriptor = openSync(path, 'a+');
    return { descriptor, text: readFileSync(path) };
  });
  const { descriptor } = state;
  let kept: { entries: Entry[]; bytes: number };
  try {
    kept = readBack<Entry>(path, state.text, header);
    attempt(path, () => {
      if (kept.bytes < state.text.length) ftruncateSync(descriptor, kept.bytes);
      if (kept.bytes === 0) writeFileSync(descriptor, `${JSON.stringify(header)}\n`);
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
    entries: kept.entries,
    append(entry) {
      attempt(path, () => writeFileSync(descriptor, `${JSON.stringify(entry)}\n`));
      timer ??= setTimeout(sync, SYNC_MS).unref();
    },
    close,
    finish() {
      close(); // does nothing when it is closed already
      attempt(path, () => rmSync(path, { force: true }));
    },
  };
}

/** Whole lines of the file. @returns entries and the bytes they and the header take; 0 bytes when there is no header */
function readBack<Entry>(
  path: string,
  content: Buffer,
  header: JournalHeader,
): { entries: Entry[]; bytes: number } {
  const bytes = content.lastIndexOf('\n') + 1;
  if (bytes === 0) return { entries: [], bytes: 0 };
  const lines = content
    .subarray(0, bytes - 1)
    .toString('utf8')
    .split('\n');
  const values: unknown[] = [];
  let good = 0;
  for (const [index, line] of lines.entries()) {
    try {
      values.push(JSON.parse(line));
    } catch {
      if (index === lines.length - 1) break;
      throw refusal(path, 'journal-damaged', `is damaged at line ${index + 1}`);
    }
    good += Buffer.byteLength(line) + 1;
  }
  if (values.length === 0) return { entries: [], bytes: 0 };
  if (canonical(values[0]) !== canonical(JSON.parse(JSON.stringify(header)))) {
    throw refusal(path, 'journal-of-other-work', 'was written for other models, data or settings');
  }
  return { entries: values.slice(1) as Entry[], bytes: good };
}

/** JSON with the keys of objects in order, so that equal headers are equal text. */
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
    const full = (cause as NodeJS.ErrnoException).code === 'ENOSPC';
    throw new FileError({
      code: 'journal-not-writable',
      message: `The journal ${path} cannot be used: ${full ? 'the disk is full' : (cause as Error).message}.`,
      hint: 'DUO_EVAL_CACHE names the folder for such files; choose one with room where you may write.',
      cause,
    });
  }
}
