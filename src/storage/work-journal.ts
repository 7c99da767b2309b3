/**
 * The journal of a piece of work in the cache: its name is the hash of everything that decides the work. Every run that does some of
 * the work writes a file of its own, `<hash>.<number>-<random>.jsonl`, and all files are joined when they are read. So a run
 * that goes on although its lock was taken over does no harm. Earlier builds had one file, `<hash>.jsonl`, which is read too.
 */
import { randomBytes } from 'node:crypto';
import { readdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type CacheKey, cacheEntryPath } from './cache-entry.js';
import { fileFailure, isMissing } from './file-failure.js';
import { type Journal, newJournal, readJournal } from './journal.js';
import { forgetKept, noteKept } from './kept-work.js';
import { acquireInTurn } from './waiting.js';

export interface WorkJournalOptions<Entry extends object> {
  /** What the work is, for an error: `The evaluation of duo`. */
  what: string;
  /** Ignore what earlier runs finished. */
  fresh: boolean;
  /** A part of the work, such as `0-500`, that is done while other processes do other parts. By default all of it. */
  part?: string;
  /** Receives the lines of earlier runs one by one, those of one file in order. */
  onEntry: (entry: Entry) => void;
  /** Where those lines are kept: closed with the journal, or when it cannot be opened. */
  kept?: { close(): void };
}

export interface WorkJournal<Entry extends object> extends Journal<Entry> {
  /** Keeps the files for a later run, or for `finish`, and lets other processes have the work. */
  close(): void;
  /** Removes all files after the work is complete; the next run starts anew. */
  finish(): void;
}

/** @throws InUseError `in-use` when another process does the same work and this one does not wait; FileError */
export async function openWorkJournal<Entry extends object>(
  key: CacheKey,
  { what, fresh, part, onEntry, kept }: WorkJournalOptions<Entry>,
): Promise<WorkJournal<Entry>> {
  const path = cacheEntryPath('journals', key, '.jsonl');
  const header = { key: JSON.stringify(key) };
  const lock = await acquireInTurn(part === undefined ? path : path.replace(/\.jsonl$/, `.${part}$&`), what);
  let isEmpty = true;
  let isOpen = true;
  let own: string;
  let journal: Journal<Entry>;
  const release = () => {
    if (!isOpen) return;
    isOpen = false;
    kept?.close();
    lock.release();
  };
  try {
    // Other parts may be under way.
    if (fresh && part === undefined) removeAll(path);
    const files = filesOf(path);
    for (const file of fresh ? [] : files) {
      readJournal<Entry>(file, header, (entry) => {
        isEmpty = false;
        onEntry(entry);
      });
    }
    own = nextTo(files, path);
    journal = newJournal<Entry>(own, header);
  } catch (error) {
    release();
    throw error;
  }
  return {
    append(entry) {
      journal.append(entry);
      isEmpty = false;
    },
    close() {
      if (!isOpen) return;
      if (!isEmpty) noteKept(path, what);
      try {
        journal.close();
      } finally {
        release();
      }
    },
    finish() {
      forgetKept(path);
      try {
        if (isOpen) journal.close();
        removeAll(path);
      } finally {
        release();
      }
    },
  };
}

/** What all runs have finished of a piece of work, while it may be under way. @throws FileError */
export function readWorkJournal<Entry extends object>(key: CacheKey, onEntry: (entry: Entry) => void): void {
  for (const file of filesOf(cacheEntryPath('journals', key, '.jsonl')))
    readJournal<Entry>(file, { key: JSON.stringify(key) }, onEntry);
}

/** The files of a piece of work, in the order in which they were begun. */
function filesOf(path: string): string[] {
  const hash = basename(path, '.jsonl');
  let names: string[];
  try {
    names = readdirSync(dirname(path));
  } catch (cause) {
    if (isMissing(cause)) return [];
    throw fileFailure(cause, 'read', dirname(path));
  }
  return names
    .filter((name) => name.startsWith(hash) && name.endsWith('.jsonl'))
    .sort((a, b) => numberIn(a) - numberIn(b) || (a < b ? -1 : 1))
    .map((name) => join(dirname(path), name));
}

/** 0 for the one file of an earlier build. */
const numberIn = (name: string): number => Number(/\.(\d+)-[0-9a-f]+\.jsonl$/.exec(name)?.[1] ?? 0);

function nextTo(files: readonly string[], path: string): string {
  const number = Math.max(0, ...files.map(numberIn)) + 1;
  return path.replace(/\.jsonl$/, `.${number}-${randomBytes(6).toString('hex')}.jsonl`);
}

function removeAll(path: string): void {
  for (const file of filesOf(path)) {
    try {
      rmSync(file, { force: true });
    } catch (cause) {
      throw fileFailure(cause, 'remove', file);
    }
  }
}
