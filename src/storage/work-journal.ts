/**
 * The journal of a piece of work in the cache: its name is the hash of everything that decides the work. Every run that does some of
 * the work writes a file of its own, `<hash>.<number>-<random>.jsonl`, and all files are joined when they are read. So a run
 * that goes on although its lock was taken over does no harm. Earlier builds had one file, `<hash>.jsonl`, which is read too.
 *
 * Runs of ranges of the work, of which there may be thousands, have a folder of their own, `<hash>.parts/<from>-<to>.<number>-<random>.jsonl`:
 * a range then reads its own files and those that overlap, not all. The hash is also of what joins them, so that nobody else who
 * finishes the same work removes them.
 */
import { randomBytes } from 'node:crypto';
import { readdirSync, rmdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type CacheKey, cacheEntryPath } from './cache-entry.js';
import { fileFailure, isMissing, isNotEmpty } from './file-failure.js';
import { type Journal, newJournal, readJournal } from './journal.js';
import { forgetKept, noteKept, noteNewWork } from './kept-work.js';
import { acquireInTurn } from './waiting.js';

/** Items `from` to `to` of a piece of work, without the latter. */
export interface WorkRange {
  from: number;
  to: number;
}

/** Parts of a piece of work, which runs on other machines may do. */
export interface WorkParts {
  /** What they are joined to, such as a cell of a suite. */
  for: CacheKey;
  /** The part that is done here, while other processes do others. By default all is joined. */
  range?: WorkRange;
}

export interface WorkJournalOptions<Entry extends object> {
  /** What the work is, for an error: `The evaluation of duo`. */
  what: string;
  /** Ignore what earlier runs finished. */
  fresh: boolean;
  /** By default the work is not done in parts, and those of others are neither read nor removed. */
  parts?: WorkParts;
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
  { what, fresh, parts, onEntry, kept }: WorkJournalOptions<Entry>,
): Promise<WorkJournal<Entry>> {
  const path = cacheEntryPath('journals', key, ENDING);
  const folder = parts && folderOf(key, parts);
  const range = parts?.range;
  const base = folder && range ? join(folder, nameOf(range)) : path.slice(0, -ENDING.length);
  const header = { key: JSON.stringify(key) };
  const lock = await acquireInTurn(range ? base : path, what);
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
    if (fresh && range === undefined) removeAll(path, folder);
    const files = filesOf(path, folder, range && [range]);
    for (const file of fresh ? [] : files) {
      readJournal<Entry>(file, header, (entry) => {
        isEmpty = false;
        onEntry(entry);
      });
    }
    own = nextTo(files, base);
    journal = newJournal<Entry>(own, header);
  } catch (error) {
    release();
    throw error;
  }
  return {
    append(entry) {
      journal.append(entry);
      noteNewWork();
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
        removeAll(path, folder);
      } finally {
        release();
      }
    },
  };
}

/**
 * What all runs have finished of a piece of work, while it may be under way.
 * @param parts.ranges of it; lines of others may come, too   @throws FileError
 */
export function readWorkJournal<Entry extends object>(
  key: CacheKey,
  onEntry: (entry: Entry) => void,
  { ranges, ...parts }: Pick<WorkParts, 'for'> & { ranges: readonly WorkRange[] },
): void {
  for (const file of filesOf(cacheEntryPath('journals', key, ENDING), folderOf(key, parts), ranges))
    readJournal<Entry>(file, { key: JSON.stringify(key) }, onEntry);
}

const ENDING = '.jsonl';
/** Of the folder of ranges. */
export const PARTS_ENDING = '.parts';
const folderOf = (work: CacheKey, parts: WorkParts): string =>
  cacheEntryPath('journals', { work, for: parts.for }, PARTS_ENDING);
const nameOf = ({ from, to }: WorkRange): string => `${from}-${to}`;

/**
 * The files of a piece of work, in the order in which they were begun.
 * @param parts the folder of its parts   @param ranges only what may hold some of them
 */
function filesOf(path: string, parts: string | undefined, ranges?: readonly WorkRange[]): string[] {
  const hash = basename(path, ENDING);
  const whole = dirname(path);
  const holdsSome = ranges === undefined ? () => true : overlapWith(ranges);
  return [
    ...journalsIn(whole)
      .filter((name) => name.startsWith(hash))
      .map((name) => join(whole, name)),
    ...(parts === undefined ? [] : journalsIn(parts))
      .filter((name) => holdsSome(rangeIn(name)))
      .map((name) => join(parts ?? whole, name)),
  ].sort((a, b) => numberIn(a) - numberIn(b) || (a < b ? -1 : 1));
}

function journalsIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith(ENDING));
  } catch (cause) {
    if (isMissing(cause)) return [];
    throw fileFailure(cause, 'read', folder);
  }
}

/** Whether a range overlaps with any of these; each answer takes the logarithm of how many they are. */
function overlapWith(ranges: readonly WorkRange[]): (range: WorkRange) => boolean {
  const sorted = [...ranges].sort((a, b) => a.from - b.from);
  // The farthest end of the first i + 1.
  const ends: number[] = [];
  for (const { to } of sorted) ends.push(Math.max(to, ends.at(-1) ?? 0));
  return ({ from, to }) => {
    let [low, high] = [0, sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sorted[middle].from < to) low = middle + 1;
      else high = middle;
    }
    return low > 0 && ends[low - 1] > from;
  };
}

/** Of a name that says none: everything, so that it is read. */
function rangeIn(name: string): WorkRange {
  const [, from = 0, to = Infinity] = /^(\d+)-(\d+)\./.exec(name) ?? [];
  return { from: Number(from), to: Number(to) };
}

/** 0 for the one file of an earlier build. */
const numberIn = (name: string): number => Number(/\.(\d+)-[0-9a-f]+\.jsonl$/.exec(name)?.[1] ?? 0);

function nextTo(files: readonly string[], base: string): string {
  const number = files.reduce((most, file) => Math.max(most, numberIn(file)), 0) + 1;
  return `${base}.${number}-${randomBytes(6).toString('hex')}${ENDING}`;
}

function removeAll(path: string, parts: string | undefined): void {
  for (const file of filesOf(path, parts)) {
    try {
      rmSync(file, { force: true });
    } catch (cause) {
      throw fileFailure(cause, 'remove', file);
    }
  }
  if (parts === undefined) return;
  try {
    rmdirSync(parts);
  } catch (cause) {
    // A range may be under way once more.
    if (!isMissing(cause) && !isNotEmpty(cause)) throw fileFailure(cause, 'remove', parts);
  }
}
