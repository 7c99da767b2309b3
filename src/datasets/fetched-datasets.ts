/**
 * Data sets fetched by name, in the cache. Each has a folder with the files, named by their SHA-256, and a record of what
 * was fetched. The record is written last, so a folder without one is not used. Files, and later fetches, are checked
 * against the record of the first fetch.
 */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError } from '../errors.js';
import { writeFileAtomically } from '../storage/atomic-file.js';
import { CACHE_ADVICE } from '../storage/cache-entry.js';
import { rememberedSha256OfFile, sha256OfBytes } from '../storage/digest.js';
import { fileFailure, isMissing } from '../storage/file-failure.js';
import { cacheFolder } from '../storage/folders.js';

export interface FetchedFile {
  /** Path in the repository. */
  path: string;
  bytes: number;
  sha256: string;
}

export interface FetchedDataset {
  name: string;
  repo: string;
  /** Commit. */
  revision: string;
  /** Ending of the files in the cache, e.g. `.parquet`. */
  ending: string;
  /** In the order of their texts. */
  files: FetchedFile[];
}

/** The folder of all fetched data sets. */
export const FETCHED_ROOM = 'datasets';

export function fetchedFolder(name: string, folder = cacheFolder()): string {
  return join(folder, FETCHED_ROOM, name);
}

/** Path of a fetched file in the cache. */
export function fetchedPath(
  { name, ending }: FetchedDataset,
  file: FetchedFile,
  folder = cacheFolder(),
): string {
  return join(fetchedFolder(name, folder), file.sha256 + ending);
}

/** The record, or null when nothing was fetched. @throws DataError when it is broken, FileError */
export async function fetchedDataset(name: string, folder = cacheFolder()): Promise<FetchedDataset | null> {
  const path = recordPath(name, folder);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    if (isMissing(cause)) return null;
    throw fileFailure(cause, 'read', path, CACHE_ADVICE);
  }
  const record = recordIn(text);
  if (record?.name === name) return record;
  throw new DataError({
    code: 'broken-record',
    message: `The record of the fetched data set "${name}" is damaged.`,
    hint: `Fetch it anew: duo-eval datasets fetch ${name} --update`,
  });
}

/** @throws FileError */
export async function recordFetched(record: FetchedDataset, folder = cacheFolder()): Promise<void> {
  const facts = JSON.stringify(record, null, 2);
  const text = `${facts.slice(0, -2)},\n  "checksum": "${sha256OfBytes(JSON.stringify(record))}"\n}\n`;
  await writeFileAtomically(recordPath(record.name, folder), text, CACHE_ADVICE);
}

/** Files of the record that are missing or have changed. @throws FileError */
export async function alteredFiles(record: FetchedDataset, folder = cacheFolder()): Promise<FetchedFile[]> {
  const altered: FetchedFile[] = [];
  for (const file of record.files) {
    const path = fetchedPath(record, file, folder);
    const isThere = await stat(path).then(
      ({ size }) => size === file.bytes,
      () => false,
    );
    if (!isThere || (await rememberedSha256OfFile(path, folder)) !== file.sha256) altered.push(file);
  }
  return altered;
}

/** The error for fetched files that are missing or have changed. */
export function changedFetchError({ name }: FetchedDataset, file: FetchedFile): DataError {
  return new DataError({
    code: 'dataset-changed',
    message: `The cached file ${file.path} of "${name}" is gone or is not what was fetched.`,
    hint: `Fetch it again, the same revision: duo-eval datasets fetch ${name}`,
  });
}

/** SHA-256 of the data set: the file's, or for several files that of the list of theirs. */
export function fetchedSha256({ files }: FetchedDataset): string {
  if (files.length === 1) return files[0].sha256;
  return sha256OfBytes(files.map(({ sha256, path }) => `${sha256}  ${path}\n`).join(''));
}

function recordPath(name: string, folder: string): string {
  return join(fetchedFolder(name, folder), 'record.json');
}

/** @returns null when it is not what {@link recordFetched} wrote */
export function recordIn(text: string): FetchedDataset | null {
  try {
    const { checksum, ...record } = JSON.parse(text) as FetchedDataset & { checksum: string };
    return sha256OfBytes(JSON.stringify(record)) === checksum ? record : null;
  } catch {
    return null;
  }
}
