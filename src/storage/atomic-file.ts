/**
 * Files that appear whole or not at all: written under a temporary name in the same folder, flushed to the disk, then
 * renamed into place. Two writers of one path do not disturb each other: each has its own temporary name, and the
 * later rename wins. Failures are FileErrors with a sentence, and leave no temporary file behind.
 */
import { randomBytes } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileFailure } from './file-failure.js';
import { makeFolder } from './make-folder.js';

export class AtomicFile {
  private constructor(
    readonly path: string,
    private readonly temporary: string,
    private readonly handle: FileHandle,
    private readonly advice: string,
  ) {}

  /** Bytes written so far. */
  size = 0;

  /** Opens a temporary file beside `path`, making the folder where it is missing. @throws FileError */
  static async create(path: string, advice = ''): Promise<AtomicFile> {
    const temporary = join(
      dirname(path),
      `.${basename(path)}.${process.pid}-${randomBytes(6).toString('hex')}.tmp`,
    );
    try {
      makeFolder(dirname(path));
      return new AtomicFile(path, temporary, await open(temporary, 'wx'), advice);
    } catch (cause) {
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

  /**
   * Flushes and renames into place.
   * @param beforehand given the whole file under its temporary name, which is still ours alone, e.g. to open it before
   * anybody can remove it   @throws FileError, after which nothing has changed at `path`
   */
  async commit(beforehand: (temporary: string) => void = () => {}): Promise<void> {
    try {
      await this.handle.sync();
      await this.handle.close();
      beforehand(this.temporary);
      await rename(this.temporary, this.path);
    } catch (cause) {
      await this.discard();
      throw fileFailure(cause, 'write', this.path, this.advice);
    }
    await flushFolder(dirname(this.path));
  }

  /** Gives the file up: `path` stays as it was. */
  async discard(): Promise<void> {
    await this.handle.close().catch(() => {});
    await rm(this.temporary, { force: true }).catch(() => {});
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

/** So that the rename itself survives a power cut; file systems that cannot flush a folder do not need it. */
async function flushFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r');
    await handle.sync().finally(() => handle.close());
  } catch {
    // Windows refuses to open folders, some network disks to flush them.
  }
}
