/** Results of cells that suites keep, each under the key of its cell. */
import { InUseError } from '../../errors.js';
import { type CacheKey, cacheEntryPath, readCacheEntry, writeCacheEntry } from '../../storage/cache-entry.js';
import { type CacheRoom, roomOfFiles } from '../../storage/cache-inventory.js';
import { noteKept, noteNewWork } from '../../storage/kept-work.js';
import { acquireLock, type Lock } from '../../storage/lock.js';
import { acquireInTurn } from '../../storage/waiting.js';
import type { Result } from '../registry.js';
import type { CellKind } from './cell.js';

/** For `cache ls` and `cache clear`. */
export const cellsRoom: CacheRoom = roomOfFiles('cells', 'results of suites', describeCell, {
  locked: true,
});

/** Null where none are kept. */
export function keptResults(key: CacheKey): Promise<Result[] | null> {
  return readResults(pathOf(key));
}

export async function keepResults(
  { hasOneResult }: CellKind,
  key: CacheKey,
  results: readonly Result[],
): Promise<void> {
  const content = JSON.stringify(hasOneResult && results.length === 1 ? results[0] : results);
  await writeCacheEntry(pathOf(key), Buffer.from(content));
  noteKept('cells', 'finished cells', 1);
  noteNewWork();
}

/**
 * One process at a time works on a cell; the others wait, and find it kept.
 * @throws InUseError `in-use` when another process has it, and this one does not wait
 */
export function acquireCell(key: CacheKey, what: string): Promise<Lock> {
  return acquireInTurn(pathOf(key), what);
}

/** Null while another process works on it. */
export function freeCell(key: CacheKey, what: string): Lock | null {
  try {
    return acquireLock(pathOf(key), what);
  } catch (error) {
    if (error instanceof InUseError) return null;
    throw error;
  }
}

const pathOf = (key: CacheKey) => cacheEntryPath('cells', key, '.json');

async function readResults(path: string): Promise<Result[] | null> {
  const bytes = await readCacheEntry(path);
  return bytes && [JSON.parse(bytes.toString('utf8')) as Result | Result[]].flat();
}

/** @returns null for a file that is damaged */
async function describeCell(path: string): Promise<string | null> {
  const results = await readResults(path);
  const own = results?.filter((result) => result.model !== null) ?? [];
  // `own` leaves out null
  const models = [...new Set(own.map((result) => result.model!.name))].join(', ') || 'real text';
  const first = own[0] ?? results?.[0];
  if (!first) return null;
  const { name, seed } = first.protocol;
  const dataset = 'dataset' in first ? first.dataset : null;
  const on = dataset ? ` on ${dataset.name}` : `, ${first.eval}`;
  return `${models}${on}, protocol ${name}${seed === null ? '' : `, seed ${seed}`}`;
}
