/**
 * Entries of the cache folder. The name of an entry is the SHA-256 of all that decides its content, so an entry is
 * never out of date. Its last bytes are a checksum of the rest, so a torn or altered entry reads as absent and is made again.
 * The content of an entry is defined by its owner.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AtomicFile } from './atomic-file.js';
import { cacheFolder } from './folders.js';

/** Advice if the cache is not writable. */
export const CACHE_ADVICE = 'Set DUO_EVAL_CACHE to a folder that can be written to and has room.';

const MAGIC = Buffer.from('duo-eval', 'latin1');
const TRAILER_BYTES = MAGIC.length + 32;

/** The facts that decide an entry's content. The order of object keys does not matter. */
export type CacheKey = string | number | boolean | null | CacheKey[] | { [name: string]: CacheKey };

/**
 * @param room kind of entry, a folder of the cache, e.g. `packed`   @param key all that decides the content
 * @returns `<cache folder>/<room>/<sha256 of the key><extension>`
 */
export function cacheEntryPath(room: string, key: CacheKey, extension = '', folder = cacheFolder()): string {
  const name = createHash('sha256').update(canonicalJson(key)).digest('hex');
  return join(folder, room, name + extension);
}

/** The bytes of an entry, or null if there is no intact one. */
export async function readCacheEntry(path: string): Promise<Buffer | null> {
  const bytes = await readFile(path).catch(() => null);
  if (!bytes || bytes.length < TRAILER_BYTES) return null;
  const content = bytes.subarray(0, bytes.length - TRAILER_BYTES);
  return trailerOf(content).equals(bytes.subarray(content.length)) ? content : null;
}

/** Writes an entry with its checksum, in one step. @throws FileError */
export async function writeCacheEntry(path: string, content: Uint8Array): Promise<void> {
  const file = await AtomicFile.create(path, CACHE_ADVICE);
  await file.write(content);
  await file.write(trailerOf(content));
  await file.commit();
}

function trailerOf(content: Uint8Array): Buffer {
  return Buffer.concat([MAGIC, createHash('sha256').update(content).digest()]);
}

/** JSON with sorted object keys, so that equal cache keys have equal names. */
function canonicalJson(value: CacheKey): string {
  return JSON.stringify(value, (_key, inner) =>
    inner && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
      : inner,
  );
}
