/**
 * Fetches a data set by name from the hub into the cache. The first fetch records commit and SHA-256 of every file; later
 * ones restore exactly that or fail. Only `update` accepts something else.
 */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { closest, DataError, UsageError } from '../../errors.js';
import { cacheFolder } from '../../storage/folders.js';
import { acquireInTurn } from '../../storage/waiting.js';
import { EMBEDDED_DATASETS } from '../embedded-texts.js';
import {
  alteredFiles,
  type FetchedDataset,
  type FetchedFile,
  fetchedDataset,
  fetchedFolder,
  fetchedPath,
  recordFetched,
} from '../fetched-datasets.js';
import { downloadFile } from './download.js';
import { type HubFile, hubCommit, hubFiles } from './listing.js';
import { HUB_LOCATIONS, type HubLocation, THE_SEVEN, ZERO_SHOT } from './locations.js';
import type { HubConnection } from './request.js';

export interface FetchOptions {
  connection: HubConnection;
  /** Branch, tag or commit; by default the branch in the table. */
  revision?: string;
  /** Accept what the revision holds now, whatever was fetched before. */
  update?: boolean;
  /** Bytes so far and in total, for one data set. Not called when nothing is transferred. */
  onProgress?: (done: number, total: number) => void;
  /** Called once the transfer's size is known. */
  onStart?: (record: { name: string; repo: string; revision: string; bytes: number }) => void;
  cacheFolder?: string;
}

export interface Fetched {
  record: FetchedDataset;
  /** `fetched`: bytes were transferred; `unchanged`: everything was there and intact. */
  state: 'fetched' | 'unchanged';
}

/** The names, without duplicates. @throws UsageError */
export function namesToFetch(names: readonly string[]): string[] {
  const chosen = names.flatMap((name) => (name === 'all' || name === ZERO_SHOT ? THE_SEVEN : [name]));
  for (const name of chosen) {
    if (Object.hasOwn(HUB_LOCATIONS, name)) continue;
    const isEmbedded = Object.hasOwn(EMBEDDED_DATASETS, name);
    const near = closest(name, Object.keys(HUB_LOCATIONS));
    throw new UsageError({
      code: 'nothing-to-fetch',
      message: isEmbedded
        ? `"${name}" comes with duo-eval: there is nothing to fetch.`
        : `There is no data set "${name}" to fetch.`,
      hint: `${near && !isEmbedded ? `Did you mean ${near}? ` : ''}Known: ${Object.keys(HUB_LOCATIONS).join(', ')}; ${ZERO_SHOT} for the seven.`,
    });
  }
  return [...new Set(chosen)];
}

/** @throws DataError, FileError (also `in-use`, when another process fetches the same), InterruptedError */
export async function fetchDataset(name: string, options: FetchOptions): Promise<Fetched> {
  const { cacheFolder: folder = cacheFolder(), connection } = options;
  connection.signal?.throwIfAborted();
  if (options.revision?.trim() === '') {
    throw new UsageError({
      code: 'invalid-flag-value',
      message: '--revision is empty.',
      hint: 'Give a branch, a tag or a commit, or leave it out.',
    });
  }
  const again = (flags = '') => `duo-eval datasets fetch ${name}${flags} --update`;
  return fetchFiles({ name, location: HUB_LOCATIONS[name], again }, { ...options, cacheFolder: folder });
}

/** Files of the hub that are fetched under one name. */
export interface FetchTarget {
  /** Of the folder in the cache. */
  name: string;
  location: HubLocation;
  /** The command that takes what the hub has now. */
  again(flags?: string): string;
}

/** @throws as {@link fetchDataset} */
export async function fetchFiles(target: FetchTarget, options: FetchOptions): Promise<Fetched> {
  const { cacheFolder: folder = cacheFolder() } = options;
  const lock = await acquireInTurn(fetchedFolder(target.name, folder), `The fetch of ${target.name}`);
  try {
    return await fetchAlone(target, folder, options);
  } finally {
    lock.release();
  }
}

async function fetchAlone(target: FetchTarget, folder: string, options: FetchOptions): Promise<Fetched> {
  const { name, location } = target;
  const { connection, revision, update = false } = options;
  const known = update ? null : await fetchedDataset(name, folder);
  const missing = known ? await alteredFiles(known, folder) : [];
  const isWhole = known !== null && missing.length === 0;
  const isRecorded = known !== null && (revision === undefined || revision === known.revision);
  if (isWhole && isRecorded) return { record: known, state: 'unchanged' };

  const commit = isRecorded
    ? known.revision
    : await hubCommit(connection, location.repo, revision ?? location.branch);
  if (known && commit !== known.revision) throw otherRevision(target, known, commit);
  if (isWhole) return { record: known, state: 'unchanged' };

  const listed = await hubFiles(connection, location, commit).catch((error) => {
    throw known && error instanceof DataError && error.code === 'hub-not-found'
      ? revisionGone(target, known)
      : error;
  });
  if (known && listed.length !== known.files.length) throw changedOnHub(target, location.folder);
  for (const { sha256, path } of listed) {
    if (sha256 !== null) checkExpected(sha256, path, target, known);
  }
  const toGet = known ? listed.filter(({ path }) => missing.some((file) => file.path === path)) : listed;
  const total = toGet.reduce((sum, { bytes }) => sum + bytes, 0);
  const facts = { name, repo: location.repo, revision: commit };
  options.onStart?.({ ...facts, bytes: total });

  let before = 0;
  const got = new Map<string, FetchedFile>(known?.files.map((file) => [file.path, file]));
  for (const file of toGet) {
    got.set(
      file.path,
      await fetchFile(file, target, { commit, folder, known, connection }, (done) =>
        options.onProgress?.(before + done, total),
      ),
    );
    before += file.bytes;
  }
  // Each listed file was recorded before or fetched just now.
  const record = { ...facts, ending: location.ending, files: listed.map(({ path }) => got.get(path)!) };
  await recordFetched(record, folder);
  await removeOthers(record, folder);
  return { record, state: 'fetched' };
}

async function fetchFile(
  file: HubFile,
  target: FetchTarget,
  {
    commit,
    folder,
    known,
    connection,
  }: { commit: string; folder: string; known: FetchedDataset | null; connection: HubConnection },
  onBytes: (done: number) => void,
): Promise<FetchedFile> {
  const place = fetchedFolder(target.name, folder);
  const { repo, ending } = target.location;
  const sha256 = await downloadFile(connection, { repo, commit, file, folder: place, ending }, onBytes);
  try {
    checkExpected(sha256, file.path, target, known);
  } catch (error) {
    await rm(join(place, sha256 + ending), { force: true });
    throw error;
  }
  return { path: file.path, bytes: file.bytes, sha256 };
}

/** Compares a hash with the record of the first fetch and with the table. */
function checkExpected(
  sha256: string,
  path: string,
  target: FetchTarget,
  known: FetchedDataset | null,
): void {
  const recorded = known?.files.find((file) => file.path === path)?.sha256;
  if (known && sha256 !== recorded) throw changedOnHub(target, path);
  const { name, location } = target;
  if (location.sha256 === undefined || location.sha256 === sha256) return;
  throw new DataError({
    code: 'dataset-not-the-published',
    message: `The hub's ${path} of ${location.repo} is not the file that "${name}" is known by: its SHA-256 differs.`,
    hint: `Figures on it could not be compared. To use it all the same, download it and register it under a name of its own: duo-eval datasets add my-${name}=path`,
  });
}

function changedOnHub({ name, again }: FetchTarget, path: string): DataError {
  return new DataError({
    code: 'dataset-changed',
    message: `The hub's ${path} is not what was fetched first as "${name}": its SHA-256 differs.`,
    hint: `If you trust the new file, take it: ${again()}`,
  });
}

function revisionGone({ again }: FetchTarget, known: FetchedDataset): DataError {
  return new DataError({
    code: 'hub-not-found',
    message: `The hub no longer has the revision ${known.revision} that "${known.name}" was fetched at.`,
    hint: `To take what it has now, which may differ: ${again()}`,
  });
}

function otherRevision({ again }: FetchTarget, known: FetchedDataset, commit: string): DataError {
  return new DataError({
    code: 'dataset-of-another-revision',
    message: `"${known.name}" was fetched at revision ${known.revision}, not ${commit}.`,
    hint: `Figures on the two may differ. To replace it: ${again(` --revision ${commit}`)}`,
  });
}

/** Removes files of revisions no longer used, and parts of files that are now complete. */
async function removeOthers(record: FetchedDataset, folder: string): Promise<void> {
  const used = record.files.map((file) => fetchedPath(record, file, folder));
  const place = fetchedFolder(record.name, folder);
  for (const entry of await readdir(place).catch(() => [])) {
    const path = join(place, entry);
    if (/^[0-9a-f]{64}\./.test(entry) && !used.includes(path))
      await rm(path, { force: true }).catch(() => {});
  }
}
