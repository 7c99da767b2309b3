/** Can a folder be written to, and how much room has it? Asked without leaving anything behind. */
import { rm, rmdir, statfs, writeFile } from 'node:fs/promises';
import { systemCodeOf } from './file-failure.js';
import { makeFolder, missingFolders } from './make-folder.js';
import { forgetTemporary, temporaryPath } from './temporary-files.js';

export interface FolderReport {
  path: string;
  writable: boolean;
  /** Bytes free to this user; null when the system does not tell. */
  freeBytes: number | null;
  /** The system's code for why not, e.g. `EACCES`; null when writable. */
  reason: string | null;
}

/** A folder that is not there yet is made, tried and taken away again. */
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
    for (const each of made.reverse()) await rmdir(each).catch(() => {}); // someone may have put something there meanwhile
  }
}
