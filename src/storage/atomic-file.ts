/**
 * Files that appear whole or not at all: written under a temporary name in the same folder, flushed to the disk, then
 * renamed into place. Every file that this program replaces is written so. Two writers of one path do not disturb each
 * other: each has its own temporary name, and the later rename wins. The file replaced hands on its permissions; a link
 * stays one, and the file that it names is replaced. A character device, or a pipe that is this process's own, such as
 * /dev/stdout, is written to directly. Failures are FileErrors with a sentence, and leave no temporary file behind.
 */
import { fstatSync, realpathSync, type Stats, statSync, writeSync } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { FileError } from '../errors.js';
import { fileFailure, systemCodeOf } from './file-failure.js';
import { makeFolder } from './make-folder.js';
import { forgetTemporary, temporaryPath } from './temporary-files.js';

export class AtomicFile {
  private ended = false;

  private constructor(
    readonly path: string,
    /** Null: nothing is renamed. */
    private readonly temporary: string | null,
    private readonly target: string,
    private readonly handle: FileHandle,
    private readonly advice: string,
  ) {}

  /** Bytes written so far. */
  size = 0;

  /** Opens a temporary file beside `path`, making the folder where it is missing. @throws FileError */
  static async create(path: string, advice = ''): Promise<AtomicFile> {
    const { target, kind, replaced } = destination(path, advice);
    let temporary: string | null = null;
    try {
      if (kind === 'device') return new AtomicFile(path, null, target, await open(target, 'w'), advice);
      makeFolder(dirname(target));
      temporary = temporaryPath(dirname(target));
      const handle = await open(temporary, 'wx');
      if (replaced) await handOn(handle, replaced);
      return new AtomicFile(path, temporary, target, handle, advice);
    } catch (cause) {
      if (temporary !== null) forgetTemporary(temporary);
      throw fileFailure(cause, 'write', path, advice);
    }
  }

  /** Appends bytes. @throws FileError, after which the file is gone */
  async write(bytes: Uint8Array): Promise<void> {
    try {
      for (let offset = 0; offset < bytes.byteLength; ) {
        const { bytesWritten } = await this.handle.write(bytes, offset, bytes.byteLength - offset);
        offset += bytesWritten;
        this.size += bytesWritten;
      }
    } catch (cause) {
      await this.discard();
      throw fileFailure(cause, 'write', this.path, this.advice);
    }
  }

  /** As {@link write}, for callers who cannot wait. @throws FileError; the caller then discards the file */
  writeNow(bytes: Uint8Array): void {
    try {
      for (let offset = 0; offset < bytes.byteLength; ) {
        const written = writeSync(this.handle.fd, bytes, offset);
        offset += written;
        this.size += written;
      }
    } catch (cause) {
      throw fileFailure(cause, 'write', this.path, this.advice);
    }
  }

  /**
   * Flushes and renames into place.
   * @param beforehand given the whole file under its temporary name, which is still ours alone, e.g. to open it before
   * anybody can remove it   @throws FileError, after which nothing has changed at `path`
   */
  async commit(beforehand: (temporary: string) => void = () => {}): Promise<void> {
    if (this.ended) return;
    try {
      if (this.temporary === null) {
        this.ended = true;
        await this.handle.close();
        return;
      }
      await this.handle.sync();
      await this.handle.close();
      beforehand(this.temporary);
      await rename(this.temporary, this.target);
      this.ended = true;
      forgetTemporary(this.temporary);
    } catch (cause) {
      await this.discard();
      throw fileFailure(cause, 'write', this.path, this.advice);
    }
    await flushFolder(dirname(this.target));
  }

  /** Gives the file up: `path` stays as it was. Of one that was committed nothing is given up. */
  async discard(): Promise<void> {
    if (this.ended) return;
    this.ended = true;
    await this.handle.close().catch(() => {});
    if (this.temporary === null) return;
    await rm(this.temporary, { force: true }).catch(() => {});
    forgetTemporary(this.temporary);
  }
}

/** Replaces `path` by `content` in one step. @throws FileError */
export async function writeFileAtomically(
  path: string,
  content: string | Uint8Array,
  advice = '',
): Promise<void> {
  const file = await AtomicFile.create(path, advice);
  await file.write(typeof content === 'string' ? Buffer.from(content) : content);
  await file.commit();
}

export interface Destination {
  /** What is written or replaced: of a link, the file that it names. */
  target: string;
  kind: 'new' | 'file' | 'device';
  /** What is there. */
  replaced: Stats | null;
}

/**
 * What is no file is looked at under its own name: /dev/stdout leads to a pipe, which has no path, and must not be replaced
 * by a file. A named pipe would be waited for without end, and a disk be overwritten.
 * @throws FileError for a folder, a named pipe and the like, or where it cannot be told
 */
export function destination(path: string, advice = ''): Destination {
  let found: Stats;
  try {
    found = statSync(path);
    if (found.isFile()) return { target: realpathSync(path), kind: 'file', replaced: found };
  } catch (cause) {
    if (systemCodeOf(cause) === 'ENOENT') return { target: path, kind: 'new', replaced: null };
    throw fileFailure(cause, 'write', path, advice);
  }
  if (found.isDirectory()) {
    throw new FileError({
      code: 'output-is-folder',
      message: `${path} is a folder, so the results cannot be written to it.`,
      hint: 'Name a file in it, for example results.json.',
    });
  }
  if (found.isCharacterDevice() || isOwnStream(path, found))
    return { target: path, kind: 'device', replaced: null };
  const what = found.isFIFO() ? 'a named pipe' : found.isSocket() ? 'a socket' : 'a device';
  throw new FileError({
    code: 'output-is-no-file',
    message: `${path} is ${what}, not a regular file, so nothing can be written to it.`,
    hint: 'Name a file; for a pipe, write to stdout: duo-eval … --json | …',
  });
}

/** A pipe without a path, as shells make them, or one that stdout or stderr already is. */
function isOwnStream(path: string, found: Stats): boolean {
  if (found.isFIFO() && !hasPath(path)) return true;
  return [1, 2].some((descriptor) => {
    try {
      const { dev, ino } = fstatSync(descriptor);
      return dev === found.dev && ino === found.ino;
    } catch {
      return false;
    }
  });
}

function hasPath(path: string): boolean {
  try {
    realpathSync.native(path); // the other one takes names such as pipe:[1] for paths
    return true;
  } catch {
    return false;
  }
}

/** Permissions of the file that is replaced, and its owner where that may be. */
async function handOn(handle: FileHandle, { mode, uid, gid }: Stats): Promise<void> {
  const made = await handle.stat();
  if (made.uid !== uid || made.gid !== gid) await handle.chown(uid, gid).catch(() => {});
  await handle.chmod(mode & 0o777).catch(() => {});
}

/** So that the rename itself survives a power cut; file systems that cannot flush a folder do not need it. */
async function flushFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r');
    await handle.sync().finally(() => handle.close());
  } catch {
    // Windows refuses to open folders, some network disks to flush them.
  }
}
