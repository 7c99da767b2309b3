/**
 * Reads whole files that others wrote: cards, configurations, tokenizers, results. Only regular files are read, because a
 * named pipe blocks and a device never ends; and only up to a limit in bytes, because a file may grow during the read.
 */
import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { FileError } from '../errors.js';
import { fileFailure, systemCodeOf } from './file-failure.js';

/** Maximum bytes per kind of file: several times the largest genuine one. */
export const MOST_BYTES = {
  card: 2 ** 20,
  /** A model's config.json. */
  configuration: 2 ** 22,
  /** A user's sampler module. */
  module: 2 ** 24,
  /** A suite, or gates. */
  yaml: 2 ** 19,
  /** model.safetensors.index.json */
  weightsIndex: 2 ** 25,
  /** llama2.c's tokenizer.bin, and the tokenizer files of a converted model. */
  tokenizer: 2 ** 26,
  /** chat_template.jinja */
  chatTemplate: 2 ** 18,
} as const;

/** An existing file that must not be read. */
export class UnfitFile extends FileError {
  declare readonly hint: string;

  /**
   * @param code `not-a-file`, `file-too-large` or `git-lfs-pointer`   @param why completes «it …», for the caller's own sentences
   */
  constructor(
    code: string,
    path: string,
    readonly why: string,
    hint: string,
  ) {
    super({ code, message: `Cannot read ${path}: ${why}.`, hint });
  }
}

export interface OpenFile {
  /** The caller closes it. */
  descriptor: number;
  /** Size in bytes when it was opened. */
  size: number;
}

/**
 * Opens a file for reading without blocking. Links are followed.
 * @throws UnfitFile if it is not a regular file   @throws FileError, `no-such-file` among others
 */
export function openRegularFile(path: string): OpenFile {
  let descriptor: number;
  try {
    descriptor = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0));
  } catch (cause) {
    // Opening a socket gives this error.
    if (systemCodeOf(cause) === 'ENXIO') throw notRegular(path, 'a socket');
    throw fileFailure(cause, 'read', path);
  }
  const stat = fstatSync(descriptor);
  if (stat.isFile()) return { descriptor, size: stat.size };
  closeSync(descriptor);
  throw notRegular(path, kindOf(stat));
}

/**
 * All bytes of a file.
 * @param most maximum number of bytes   @throws UnfitFile   @throws FileError, `no-such-file` among others
 */
export function readSmallFile(path: string, most: number): Buffer {
  const { descriptor, size } = openRegularFile(path);
  try {
    if (size > most) throw tooLarge(path, `it has ${size} bytes, and may have ${most}`);
    return readUpTo(descriptor, path, most, size);
  } finally {
    closeSync(descriptor);
  }
}

/** Whether bytes are a Git LFS pointer, the placeholder for a file that was not fetched. */
export function isGitLfsPointer(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, LFS_START.length)).equals(
    LFS_START,
  );
}

/** The error for a file that {@link isGitLfsPointer} recognises. */
export function gitLfsPointer(path: string): UnfitFile {
  return new UnfitFile(
    'git-lfs-pointer',
    path,
    'it is a Git LFS pointer, not the file itself',
    'Fetch the file: git lfs pull, in the repository that it belongs to.',
  );
}

const LFS_START = Buffer.from('version https://git-lfs.github.com/spec/');

function readUpTo(descriptor: number, path: string, most: number, size: number): Buffer {
  // Reading one byte more than expected shows whether it has grown. Kernel files such as those of /proc report 0 bytes.
  let bytes = Buffer.allocUnsafe(Math.min(most, Math.max(size, 4096)) + 1);
  let filled = 0;
  for (;;) {
    let count: number;
    try {
      count = readSync(descriptor, bytes, filled, bytes.length - filled, null);
    } catch (cause) {
      throw fileFailure(cause, 'read', path);
    }
    filled += count;
    if (filled > most) throw tooLarge(path, `it has more than the ${most} bytes that it may have`);
    if (count === 0) return bytes.subarray(0, filled);
    if (filled < bytes.length) continue;
    const larger = Buffer.allocUnsafe(Math.min(most, 2 * filled) + 1);
    larger.set(bytes);
    bytes = larger;
  }
}

function notRegular(path: string, kind: string): UnfitFile {
  const hint = 'Give a regular file; write what a program prints to one first.';
  return new UnfitFile('not-a-file', path, `it is ${kind}, not a regular file`, hint);
}

function tooLarge(path: string, why: string): UnfitFile {
  return new UnfitFile('file-too-large', path, why, 'Check that it is the file you mean.');
}

function kindOf(stat: Stats): string {
  if (stat.isDirectory()) return 'a folder';
  if (stat.isFIFO()) return 'a named pipe';
  if (stat.isSocket()) return 'a socket';
  return 'a device';
}
