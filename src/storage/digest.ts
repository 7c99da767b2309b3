/**
 * SHA-256 of bytes and of files. The digest of a large file is cached under its path, size, inode and times of change, so
 * that a second run does not read gigabytes just to name them.
 */
import { createHash } from 'node:crypto';
import { type BigIntStats, createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { cacheEntryPath, readCacheEntry, writeCacheEntry } from './cache-entry.js';
import { roomOfFiles } from './cache-inventory.js';
import { fileFailure } from './file-failure.js';
import { cacheFolder } from './folders.js';

/** The cached digests, for `cache ls` and `cache clear`. A digest does not show which file it belongs to. */
export const digestsRoom = roomOfFiles('sha256', 'remembered digests', () => 'digest of a file');

/** Below this many bytes, reading is cheaper than caching. */
const WORTH_REMEMBERING = 8 * 2 ** 20;
/** A file changed this recently may change again within the same tick of its clock: 2 s is FAT's, the coarsest. */
const SETTLED_MS = 2_500;

/** Lower-case hexadecimal SHA-256. */
export function sha256OfBytes(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Lower-case hexadecimal SHA-256 of a file, streamed. @throws FileError when it cannot be read */
export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 })) hash.update(chunk);
  } catch (cause) {
    throw fileFailure(cause, 'read', path);
  }
  return hash.digest('hex');
}

/**
 * As {@link sha256OfFile}, but a large file that has not changed since it was last hashed is not read again.
 * «Changed» means size, inode, or time of modification or status change, to the nanosecond if the file system records it.
 */
export async function rememberedSha256OfFile(path: string, folder = cacheFolder()): Promise<string> {
  const before = await statOf(path);
  if (before.size < WORTH_REMEMBERING) return sha256OfFile(path);
  const entry = cacheEntryPath('sha256', [resolve(path), identityOf(before)], '.txt', folder);
  const remembered = await readCacheEntry(entry);
  if (remembered) return remembered.toString('latin1');
  const sha256 = await sha256OfFile(path);
  const after = await statOf(path);
  const settled =
    Number(after.ctimeMs) < Date.now() - SETTLED_MS && Number(after.mtimeMs) < Date.now() - SETTLED_MS;
  if (settled && identityOf(before) === identityOf(after)) {
    // The cache only saves time: an unwritable cache folder must not stop a read.
    await writeCacheEntry(entry, Buffer.from(sha256, 'latin1')).catch(() => {});
  }
  return sha256;
}

function identityOf({ size, dev, ino, mtimeNs, ctimeNs }: BigIntStats): string {
  return [size, dev, ino, mtimeNs, ctimeNs].join(':');
}

async function statOf(path: string): Promise<BigIntStats> {
  try {
    return await stat(path, { bigint: true });
  } catch (cause) {
    throw fileFailure(cause, 'read', path);
  }
}
