/**
 * Lists the content of the cache folder and removes it safely. The entries of a room are files in one folder, each named by
 * a SHA-256; the owner of the room describes them. Files with other names are never touched, so nothing else is lost if the
 * cache folder is set to an existing folder. Entries held by a running process are kept.
 */
import { readdir, rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DuoEvalError } from '../errors.js';
import { fileFailure, isMissing, isNotEmpty } from './file-failure.js';
import { acquireLock, isLocked } from './lock.js';
import { isBeingWritten } from './temporary-files.js';
import { PARTS_ENDING } from './work-journal.js';

export interface CacheItem {
  room: string;
  /** Relative to the cache folder. */
  file: string;
  /** A description in words; entries that cannot be distinguished have the same one. */
  what: string;
  bytes: number;
  /** Time of the last write, ms since 1970. */
  modified: number;
  /** Whether a running process holds it. */
  inUse: boolean;
  /** Absolute paths, in the order of removal. */
  paths: string[];
  /** Folder that is removed after the files if it is empty. */
  folder: string | null;
  /** File whose lock is held during the removal. */
  lock: string | null;
}

export interface CacheRoom {
  name: string;
  /** Purpose, e.g. `packed streams`. */
  purpose: string;
  items(cache: string): Promise<CacheItem[]>;
}

/** A journal has a file for each of its writers, with one lock (work-journal.ts). */
const ENTRY = /^([0-9a-f]{64})(?:\.\d+-[0-9a-f]+)?(\.[a-z0-9]+)?$/;

/** A folder of ranges of a piece of work, and what is in it. */
const PARTS = new RegExp(`^([0-9a-f]{64})\\${PARTS_ENDING}$`);
const PART = /^\d+-\d+(?:\.\d+-[0-9a-f]+\.jsonl|\.lock)$/;

const LOCK = '.lock';

/** Of all of the work, or of a part of it. */
const isLockOf = (hash: string, name: string) => name.startsWith(hash) && name.endsWith(LOCK);

/** A room of single files. @param describe in words; null for a damaged entry */
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
      const [, ofParts] = (locked && PARTS.exec(entry)) || [];
      if (ofParts !== undefined) {
        found.push(...(await unfinishedWrites(name, cache, `${name}/${entry}`)));
        const item = await itemOfParts(name, cache, { hash: ofParts, describe });
        if (item) found.push(item);
        continue;
      }
      const isLock = locked && entry.endsWith(LOCK);
      const base = isLock ? entry.slice(0, -LOCK.length) : entry;
      const [, hash, ending = ''] = ENTRY.exec(base) ?? [];
      if (hash === undefined || (isLock && names.some((one) => one !== entry && one.startsWith(hash))))
        continue;
      const path = join(cache, name, base);
      const work = join(cache, name, hash + ending);
      const facts = await sizeAndTime([join(cache, name, entry)]);
      if (!facts) continue; // removed in the meantime
      found.push({
        room: name,
        file: `${name}/${base}`,
        what: isLock ? 'lock of a run' : ((await describe(path)) ?? 'damaged; it will be made anew'),
        ...facts,
        inUse:
          locked &&
          names.some((one) => isLockOf(hash, one) && isLocked(join(cache, name, one.slice(0, -LOCK.length)))),
        paths: [path],
        folder: null,
        lock: locked ? work : null,
      });
    }
    return found;
  };
  return { name, purpose, items };
}

/** A folder of the ranges of a piece of work, with their locks: one entry. */
async function itemOfParts(
  room: string,
  cache: string,
  { hash, describe }: { hash: string; describe: (path: string) => Promise<string | null> | string | null },
): Promise<CacheItem | null> {
  const file = `${room}/${hash}${PARTS_ENDING}`;
  const folder = join(cache, file);
  const made = await stat(folder).catch(() => null);
  if (!made?.isDirectory()) return null; // removed in the meantime, or not ours
  const names = (await namesIn(folder)).filter((one) => PART.test(one));
  const paths = names.map((one) => join(folder, one));
  const [first] = paths.filter((path) => !path.endsWith(LOCK));
  const locks = paths.filter((path) => path.endsWith(LOCK)).map((path) => path.slice(0, -LOCK.length));
  const work = join(cache, room, `${hash}.jsonl`);
  return {
    ...{ room, file, paths, folder, lock: work },
    what:
      first === undefined
        ? 'ranges of a run; none is there'
        : ((await describe(first)) ?? 'damaged; it will be made anew'),
    ...((await sizeAndTime(paths)) ?? { bytes: 0, modified: made.mtimeMs }),
    inUse: [work, ...locks].some(isLocked),
  };
}

/** Files left behind by writers that were killed. */
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

/** Names in a folder, sorted; none if it is missing. @throws FileError */
export async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (cause) {
    if (isMissing(cause)) return [];
    throw fileFailure(cause, 'read', folder);
  }
}

/** Total bytes and latest time of some files; null if none exists. */
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
  /** `in-use`: a running process holds it; `failed`: the system refused to remove it. */
  | { item: CacheItem; state: 'in-use' | 'failed'; failure: DuoEvalError | null };

/** Removes an entry unless a process holds it. */
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

/** A folder that is not empty holds files of others and stays. */
async function removeEmpty(folder: string): Promise<void> {
  await rmdir(folder).catch((cause) => {
    if (!isMissing(cause) && !isNotEmpty(cause)) throw cause;
  });
}
