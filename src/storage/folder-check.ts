/** Checks whether a folder is writable and how much room it has, without leaving anything behind. */
import { rm, rmdir, statfs, writeFile } from 'node:fs/promises';
import { systemCodeOf } from './file-failure.js';
import { makeFolder, missingFolders } from './make-folder.js';
import { forgetTemporary, temporaryPath } from './temporary-files.js';

export interface FolderReport {
  path: string;
  writable: boolean;
  /** Bytes free for this user; null if unknown. */
  freeBytes: number | null;
  /** The error code of the system, e.g. `EACCES`; null if writable. */
  reason: string | null;
}

/** A missing folder is created, tested and removed again. */
export async function checkFolder(path: string): Promise<FolderReport> {
  const reason = await tryWriting(path).then(
    () => null,
    (cause) => systemCodeOf(cause) ?? 'unknown reason',
  );
  const freeBytes = await statfs(missingFolders(path).there).then(
    ({ bavail, bsize }) => bavail * bsize,
    () => null,
  );
  return { path, writable: reason === null, freeBytes, reason };
}

async function tryWriting(folder: string): Promise<void> {
  const made = makeFolder(folder);
  try {
    const file = temporaryPath(folder);
    await writeFile(file, 'x', { flag: 'wx' }).finally(() => rm(file, { force: true }));
    forgetTemporary(file);
  } finally {
    for (const each of made.reverse()) await rmdir(each).catch(() => {}); // another process may have put something there in the meantime
  }
}
