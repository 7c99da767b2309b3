/**
 * One file from the hub to the disk. The bytes go into a `.part` file that outlives the run: this run or a later one resumes
 * a broken transfer where it stopped. The file gets its name only when its size and hash are those that the hub lists,
 * so a partial file never passes for a whole one. One process at a time.
 *
 * This does not use the hub's client, which cannot resume, checks no hash, waits forever, and sends the token to any
 * address that an answer names for parts of a file.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, rename, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError } from '../../errors.js';
import { CACHE_ADVICE } from '../../storage/cache-entry.js';
import { sha256OfBytes } from '../../storage/digest.js';
import { fileFailure } from '../../storage/file-failure.js';
import { noteNewWork } from '../../storage/kept-work.js';
import { makeFolder } from '../../storage/make-folder.js';
import { BUDGET } from '../budget.js';
import { PassingFailure, strange } from './failures.js';
import type { HubFile, RepoKind } from './listing.js';
import { type HubAnswer, type HubConnection, hubRequest, pauseAfter } from './request.js';

export interface Download {
  repo: string;
  /** `dataset` unless given. */
  kind?: RepoKind;
  commit: string;
  file: HubFile;
  /** Folder of the file, which is named by its SHA-256. */
  folder: string;
  ending: string;
}

/** Path of an unfinished transfer, named by the file it is part of. */
export function partialPath({ repo, file, folder }: Download): string {
  return join(folder, `${sha256OfBytes([repo, file.path, file.sha256 ?? file.gitBlob].join('\n'))}.part`);
}

/**
 * @param onBytes receives the number of bytes so far   @returns SHA-256 of the file, which is now `folder`/SHA-256`ending`
 * @throws DataError (wrong hash, wrong size, and all that a request throws), FileError, InterruptedError
 */
export async function downloadFile(
  connection: HubConnection,
  download: Download,
  onBytes: (bytes: number) => void = () => {},
): Promise<string> {
  const { repo, file, folder, ending } = download;
  const path = partialPath(download);
  await onDisk(path, async () => makeFolder(folder));
  for (let isFresh = (await sizeOf(path)) === 0; ; isFresh = true) {
    await receiveAll(connection, download, path, onBytes);
    const hashes = await hashesOf(path, file.bytes);
    if (file.sha256 === null ? hashes.gitBlob === file.gitBlob : hashes.sha256 === file.sha256) {
      await onDisk(path, () => rename(path, join(folder, hashes.sha256 + ending)));
      return hashes.sha256;
    }
    await rm(path, { force: true });
    // The remains of an earlier run may be damaged: start once more from the beginning.
    if (isFresh) throw wrongHash(repo, file);
  }
}

/** Repeats until all bytes are there. A broken transfer is resumed, as long as it makes progress. */
async function receiveAll(
  connection: HubConnection,
  download: Download,
  path: string,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const { pausesMs } = connection;
  let idle = 0;
  for (let breaks = 0; ; breaks++) {
    const before = await sizeOf(path);
    if (before === download.file.bytes) return;
    try {
      return await receive(connection, download, path, onBytes);
    } catch (error) {
      if (!(error instanceof PassingFailure) || breaks >= BUDGET.brokenTransfers) throw error;
      idle = (await sizeOf(path)) > before ? 0 : idle + 1;
      if (idle > pausesMs.length) throw error;
      await pauseAfter(error, pausesMs[Math.max(0, idle - 1)] ?? 0, connection);
    }
  }
}

/** One transfer, starting at the end of the partial file. @throws PassingFailure when it ends too early */
async function receive(
  connection: HubConnection,
  { repo, kind = 'dataset', commit, file }: Download,
  path: string,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const { endpoint } = connection;
  let done = await sizeOf(path);
  if (done > file.bytes) done = 0;
  await checkRoom(path, file.bytes - done);
  const answer = await hubRequest(connection, {
    url: `${endpoint.url}/${kind === 'dataset' ? 'datasets/' : ''}${repo}/resolve/${commit}/${file.path.split('/').map(encodeURIComponent).join('/')}`,
    what: `${file.path} of ${repo}`,
    headers: done > 0 ? { range: `bytes=${done}-` } : {},
    accepted: [416],
  });
  if (answer.status === 416) {
    answer.cancel();
    await rm(path, { force: true });
    throw endedEarly(endpoint.host, file, 0);
  }
  // 200 to a request for a range: the server sends the whole file again.
  if (answer.status !== 206) done = 0;
  else checkRange(answer, endpoint.host, file, done);
  const handle = await onDisk(path, () => open(path, done > 0 ? 'a' : 'w'));
  try {
    for await (const chunk of answer.bytes()) {
      if (done + chunk.length > file.bytes)
        throw strange(endpoint.host, `${file.path} is larger than the hub lists it`);
      await onDisk(path, () => write(handle, chunk));
      noteNewWork();
      done += chunk.length;
      onBytes(done);
    }
    await onDisk(path, () => handle.sync());
  } finally {
    answer.cancel();
    await handle.close();
  }
  if (done < file.bytes) throw endedEarly(endpoint.host, file, done);
}

function checkRange(answer: HubAnswer, host: string, file: HubFile, start: number): void {
  const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(answer.headers.get('content-range') ?? '');
  if (range && Number(range[1]) === start && (range[3] === '*' || Number(range[3]) === file.bytes)) return;
  answer.cancel();
  throw strange(host, `it sent another part of ${file.path} than was asked for`);
}

/** SHA-256, and the git blob hash of this content. */
async function hashesOf(path: string, bytes: number): Promise<{ sha256: string; gitBlob: string }> {
  const sha256 = createHash('sha256');
  const gitBlob = createHash('sha1').update(`blob ${bytes}\0`);
  await onDisk(path, async () => {
    for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 })) {
      sha256.update(chunk);
      gitBlob.update(chunk);
    }
  });
  return { sha256: sha256.digest('hex'), gitBlob: gitBlob.digest('hex') };
}

/** Fails before the transfer when the disk cannot hold the file. */
async function checkRoom(path: string, bytes: number): Promise<void> {
  const disk = await statfs(join(path, '..')).catch(() => null);
  if (disk === null || disk.bavail * disk.bsize >= bytes) return;
  throw fileFailure(Object.assign(new Error('full'), { code: 'ENOSPC' }), 'write', path, CACHE_ADVICE);
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}

async function write(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let offset = 0; offset < bytes.length; ) {
    offset += (await handle.write(bytes, offset, bytes.length - offset)).bytesWritten;
  }
}

async function onDisk<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    throw fileFailure(cause, 'write', path, CACHE_ADVICE);
  }
}

function endedEarly(host: string, file: HubFile, done: number): PassingFailure {
  return new PassingFailure({
    code: 'hub-truncated',
    message: `${host} sent ${done} of the ${file.bytes} bytes of ${file.path}, then no more.`,
    hint: 'Run again: it continues from what was received.',
  });
}

function wrongHash(repo: string, file: HubFile): DataError {
  return new DataError({
    code: 'hub-wrong-hash',
    message: `What came for ${file.path} of ${repo} is not the file that the hub lists: its hash differs.`,
    hint: 'It was thrown away. Run again; if it stays so, something between here and the hub alters what it carries.',
  });
}
