/**
 * Files that somebody else made and that are read whole: cards, configurations, tokenizers, results. What is opened is first
 * known to be a regular file, since a named pipe is waited for without end and a device never ends; and no more is read
 * than a budget in bytes, since a file may grow while it is read.
 */
import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { FileError } from '../errors.js';
import { fileFailure, systemCodeOf } from './file-failure.js';

/** Most bytes of each kind of file: some times the largest honest one. */
export const MOST_BYTES = {
  card: 2 ** 20,
  /** A model's config.json. */
  configuration: 2 ** 22,
  /** A sampler of a user's own. */
  module: 2 ** 24,
  /** A suite, or gates. */
  yaml: 2 ** 19,
  /** model.safetensors.index.json */
  weightsIndex: 2 ** 25,
  /** llama2.c's tokenizer.bin, and the files of a tokenizer that goes with a converted model. */
  tokenizer: 2 ** 26,
} as const;

/** A file that is there and is not read. */
export class UnfitFile extends FileError {
  declare readonly hint: string;

  /**
   * @param code `not-a-file`, `file-too-large` or `git-lfs-pointer`   @param why completes «it …», for sentences of the caller's own
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
  /** Bytes, as it was opened. */
  size: number;
}

/**
 * Opens a file for reading, without waiting for anybody to write to it. Links are followed.
 * @throws UnfitFile for what is no regular file   @throws FileError, `no-such-file` among others
 */
export function openRegularFile(path: string): OpenFile {
  let descriptor: number;
  try {
    descriptor = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0));
  } catch (cause) {
    // What a socket answers.
    if (systemCodeOf(cause) === 'ENXIO') throw notRegular(path, 'a socket');
    throw fileFailure(cause, 'read', path);
  }
  const stat = fstatSync(descriptor);
  if (stat.isFile()) return { descriptor, size: stat.size };
  closeSync(descriptor);
  throw notRegular(path, kindOf(stat));
}

/**
 * A file's bytes, all of them.
 * @param most bytes that it may have   @throws UnfitFile   @throws FileError, `no-such-file` among others
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

/** Whether bytes are what Git LFS leaves in the place of a file that it has not fetched. */
export function isGitLfsPointer(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, LFS_START.length)).equals(
    LFS_START,
  );
}

/** Says it of a file that {@link isGitLfsPointer} told. */
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
  // One byte more than is expected shows whether it has grown. Files of the kernel's own say that they have 0 bytes.
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
