/**
 * The journal of a piece of work in the cache: its name is the hash of everything that decides the work, and one process at a time
 * writes it.
 */
import { type CacheKey, cacheEntryPath } from './cache-entry.js';
import { type Journal, openJournal } from './journal.js';
import { noteKept } from './kept-work.js';
import { acquireLock } from './lock.js';

export interface WorkJournalOptions<Entry extends object> {
  /** What the work is, for an error: `The evaluation of duo`. */
  what: string;
  /** Ignore what earlier runs finished. */
  fresh: boolean;
  /** Receives the lines of earlier runs one by one. */
  onEntry: (entry: Entry) => void;
  /** Where those lines are kept: closed with the journal, or when it cannot be opened. */
  kept?: { close(): void };
}

/** @throws FileError `in-use` when another process does the same work, and as openJournal */
export function openWorkJournal<Entry extends object>(
  key: CacheKey,
  { what, fresh, onEntry, kept }: WorkJournalOptions<Entry>,
): Omit<Journal<Entry>, 'entries'> {
  const path = cacheEntryPath('journals', key, '.jsonl');
  const lock = acquireLock(path, what);
  const release = () => {
    kept?.close();
    lock.release();
  };
  let journal: Journal<Entry>;
  let isEmpty = true;
  try {
    journal = openJournal<Entry>(
      path,
      { key: JSON.stringify(key) },
      {
        fresh,
        onEntry(entry) {
          isEmpty = false;
          onEntry(entry);
        },
      },
    );
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
      journal.close();
      if (!isEmpty) noteKept(what);
      release();
    },
    finish() {
      journal.finish();
      release();
    },
  };
}
