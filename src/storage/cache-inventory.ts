/**
 * What lies in the cache folder, and how it is removed without harm: a room's entries are files named by a SHA-256, in
 * one folder. What an entry is, its room's owner says. Nothing that is not named as an entry is ever touched, so a cache
 * folder that was set to a folder with other things in it loses none of them. What a living process holds is kept.
 */
import { readdir, rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DuoEvalError } from '../errors.js';
import { fileFailure, isMissing, systemCodeOf } from './file-failure.js';
import { acquireLock, isLocked } from './lock.js';
import { isBeingWritten } from './temporary-files.js';

export interface CacheItem {
  room: string;
  /** Relative to the cache folder. */
  file: string;
  /** What it is, in words; the same words for entries of which there is nothing to tell apart. */
  what: string;
  bytes: number;
  /** When it was last written, ms since 1970. */
  modified: number;
  /** A living process holds it. */
  inUse: boolean;
  /** Absolute, in the order in which they are removed. */
  paths: string[];
  /** Removed after them, when it is empty. */
  folder: string | null;
  /** File whose lock is held while it is removed. */
  lock: string | null;
}

export interface CacheRoom {
  name: string;
  /** What it is for, e.g. `packed streams`. */
  purpose: string;
  items(cache: string): Promise<CacheItem[]>;
}

const ENTRY = /^[0-9a-f]{64}(\.[a-z0-9]+)?$/;

/** A room of single files. @param describe in words; null for an entry that is not sound */
export function roomOfFiles(
  name: string,
  purpose: string,
  describe: (path: string) => Promise<string | null> | string | null,
  { locked = false } = {},
): CacheRoom {
  const items = async (cache: string): Promise<CacheItem[]> => {
    const found: CacheItem[] = await unfinishedWrites(name, cache);
    const names = await namesIn(join(cache, name));
    for (const entry of names) {
      const isLock = locked && entry.endsWith('.lock');
      const base = isLock ? entry.slice(0, -'.lock'.length) : entry;
      if (!ENTRY.test(base) || (isLock && names.includes(base))) continue;
      const path = join(cache, name, base);
      const facts = await sizeAndTime([join(cache, name, entry)]);
      if (!facts) continue; // gone meanwhile
      found.push({
        room: name,
        file: `${name}/${base}`,
        what: isLock ? 'lock of a run' : ((await describe(path)) ?? 'damaged; it will be made anew'),
        ...facts,
        inUse: locked && isLocked(path),
        paths: [path],
        folder: null,
        lock: locked ? path : null,
      });
    }
    return found;
  };
  return { name, purpose, items };
}

/** Of what writers leave behind that were killed. */
export async function unfinishedWrites(room: string, cache: string, folder = room): Promise<CacheItem[]> {
  const found: CacheItem[] = [];
  for (const entry of await namesIn(join(cache, folder))) {
    const path = join(cache, folder, entry);
    const facts = await sizeAndTime([path]);
    const inUse = facts && isBeingWritten(entry, facts.modified);
    if (!facts || inUse === null) continue;
    found.push({
      room,
      file: `${folder}/${entry}`,
      what: 'unfinished write',
      ...facts,
      inUse,
      paths: [path],
      folder: null,
      lock: null,
    });
  }
  return found;
}

/** Names in a folder, sorted; none where it is missing. @throws FileError */
export async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (cause) {
    if (isMissing(cause)) return [];
    throw fileFailure(cause, 'read', folder);
  }
}

/** Of files together: bytes, and the latest time; null when none is there. */
export async function sizeAndTime(
  paths: readonly string[],
): Promise<{ bytes: number; modified: number } | null> {
  const stats = await Promise.all(paths.map((path) => stat(path).catch(() => null)));
  const found = stats.flatMap((each) => (each?.isFile() ? [each] : []));
  if (found.length === 0) return null;
  return {
    bytes: found.reduce((sum, each) => sum + each.size, 0),
    modified: Math.max(...found.map((each) => each.mtimeMs)),
  };
}

export type Removal =
  | { item: CacheItem; state: 'removed'; failure?: undefined }
  /** `in-use`: a living process holds it; `failed`: the system would not remove it. */
  | { item: CacheItem; state: 'in-use' | 'failed'; failure: DuoEvalError | null };

/** Removes an entry, unless someone holds it. */
export async function removeItem(item: CacheItem): Promise<Removal> {
  if (item.inUse) return { item, state: 'in-use', failure: null };
  try {
    const lock = item.lock === null ? null : acquireLock(item.lock, item.what);
    try {
      for (const path of item.paths) await rm(path, { force: true });
      if (item.folder !== null) await removeEmpty(item.folder);
    } finally {
      lock?.release();
    }
    return { item, state: 'removed' };
  } catch (error) {
    const failure = error instanceof DuoEvalError ? error : fileFailure(error, 'remove', item.paths[0]);
    return { item, state: failure.code === 'in-use' ? 'in-use' : 'failed', failure };
  }
}

/** One that is not empty holds what is not ours. */
async function removeEmpty(folder: string): Promise<void> {
  await rmdir(folder).catch((cause) => {
    if (!['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes(systemCodeOf(cause) ?? '')) throw cause;
  });
}
