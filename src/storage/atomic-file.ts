/**
 * Files that appear whole or not at all: written under a temporary name in the same folder, flushed to the disk, then
 * renamed into place. This program replaces every file this way. Two writers of one path do not disturb each other:
 * each has its own temporary name, and the later rename wins. The new file keeps the permissions of the old one. A symbolic
 * link stays, and its target is replaced. A character device, or a pipe of this process such as /dev/stdout, is written
 * directly. Failures are FileErrors and leave no temporary file behind.
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
  /** Committed where there was no file before. */
  private appeared = false;

  private constructor(
    readonly path: string,
    /** Null if nothing is renamed. */
    private readonly temporary: string | null,
    private readonly target: string,
    private readonly handle: FileHandle,
    private readonly advice: string,
    private readonly isNew: boolean,
  ) {}

  /** Bytes written so far. */
  size = 0;

  /** Opens a temporary file beside `path`, and makes the folder if it is missing. @throws FileError */
  static async create(path: string, advice = ''): Promise<AtomicFile> {
    const { target, kind, replaced } = destination(path, advice);
    let temporary: string | null = null;
    try {
      if (kind === 'device')
        return new AtomicFile(path, null, target, await open(target, 'w'), advice, false);
      makeFolder(dirname(target));
      temporary = temporaryPath(dirname(target));
      const handle = await open(temporary, 'wx');
      if (replaced) await handOn(handle, replaced);
      return new AtomicFile(path, temporary, target, handle, advice, kind === 'new');
    } catch (cause) {
      if (temporary !== null) forgetTemporary(temporary);
      throw fileFailure(cause, 'write', path, advice);
    }
  }

  /** Appends bytes. @throws FileError, after discarding the file */
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
   * @param beforehand called with the temporary name of the complete file, e.g. to open it before another process can
   * remove it   @throws FileError, after which nothing has changed at `path`
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
      this.appeared = this.isNew;
      forgetTemporary(this.temporary);
    } catch (cause) {
      await this.discard();
      throw fileFailure(cause, 'write', this.path, this.advice);
    }
    await flushFolder(dirname(this.target));
  }

  /** Discards the file: `path` stays as it was. No effect after a commit. */
  async discard(): Promise<void> {
    if (this.ended) return;
    this.ended = true;
    await this.handle.close().catch(() => {});
    if (this.temporary === null) return;
    await rm(this.temporary, { force: true }).catch(() => {});
    forgetTemporary(this.temporary);
  }

  /** As {@link discard}; after a commit, removes the file again if there was none before. For files that belong together. */
  async withdraw(): Promise<void> {
    await this.discard();
    if (this.appeared) await rm(this.target, { force: true }).catch(() => {});
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
  /** The path to write or replace: for a link, its target. */
  target: string;
  kind: 'new' | 'file' | 'device';
  /** The existing file. */
  replaced: Stats | null;
}

/**
 * Anything but a regular file is examined under its own name: /dev/stdout leads to a pipe, which has no path and must not be
 * replaced by a file. Opening a named pipe would block, and writing to a disk device would overwrite it.
 * @throws FileError for a folder, a named pipe and the like, or if the kind cannot be determined
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

/** A pipe without a path, as shells create, or the pipe of stdout or stderr. */
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
    realpathSync.native(path); // the JavaScript version takes names such as pipe:[1] for paths
    return true;
  } catch {
    return false;
  }
}

/** Copies the permissions of the replaced file, and its owner if allowed. */
async function handOn(handle: FileHandle, { mode, uid, gid }: Stats): Promise<void> {
  const made = await handle.stat();
  if (made.uid !== uid || made.gid !== gid) await handle.chown(uid, gid).catch(() => {});
  await handle.chmod(mode & 0o777).catch(() => {});
}

/** Flushes the folder, so that the rename survives a power cut; file systems that cannot do this do not need it. */
async function flushFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r');
    await handle.sync().finally(() => handle.close());
  } catch {
    // Windows refuses to open folders, some network disks to flush them.
  }
}
