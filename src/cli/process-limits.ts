/**
 * Limits of the process: checks for enough address space and open files before a command is loaded, because V8 aborts
 * without the former and Node waits forever without the latter. Later errors that can only mean too little memory are
 * recognized by their texts.
 */
import { closeSync, openSync } from 'node:fs';
import { FileError } from '../errors.js';
import { ADDRESS_SPACE_HINT, addressSpace, megabytes } from '../models/address-space.js';

/** Bytes beyond those of Node itself; commands that run no model take about 280 MB. */
const NEEDED_BYTES = 400e6;

/** @throws FileError `out-of-address-space` */
export function checkAddressSpace(space = addressSpace()): void {
  if (space === null || space.limit - space.used >= NEEDED_BYTES) return;
  throw new FileError({
    code: 'out-of-address-space',
    message: `Only ${megabytes(space.limit - space.used)} MB of addresses are left to this process, and duo-eval needs ${megabytes(NEEDED_BYTES)} before it runs a model.`,
    hint: ADDRESS_SPACE_HINT,
  });
}

/** Files that a command opens at once, beyond those already open; about 90 were observed. */
const NEEDED_FILES = 128;

/**
 * Node loads many modules at a time and waits forever, silently, when it may not open another file. So this check runs
 * before oclif is loaded.
 * @param path of any file that can be read   @throws FileError `too-many-open-files`
 */
export function checkOpenFiles(path: string): void {
  const opened: number[] = [];
  try {
    while (opened.length < NEEDED_FILES) opened.push(openSync(path, 'r'));
  } catch (cause) {
    if (!/^E[MN]FILE$/.test((cause as NodeJS.ErrnoException).code ?? '')) throw cause;
    throw new FileError({
      code: 'too-many-open-files',
      message: `Only ${opened.length} more files may be opened here, and duo-eval needs up to ${NEEDED_FILES}.`,
      hint: 'Raise the limit on open files (ulimit -n 1024), or close other programs.',
      cause,
    });
  } finally {
    for (const descriptor of opened) closeSync(descriptor);
  }
}

const MEANS_NO_MEMORY =
  /array buffer allocation failed|could not allocate memory|WebAssembly\.\w+\(\): out of memory/i;

/** Null for an error that may have another cause. */
export function noMemory(error: unknown): FileError | null {
  if (!(error instanceof Error)) return null;
  const { code } = error as NodeJS.ErrnoException;
  const isMemory =
    MEANS_NO_MEMORY.test(error.message) ||
    ['ERR_WORKER_OUT_OF_MEMORY', 'ERR_MEMORY_ALLOCATION_FAILED', 'ENOMEM'].includes(code ?? '');
  if (!isMemory) return null;
  return new FileError({
    code: 'out-of-memory',
    message: `There is too little memory: ${error.message.replace(/[.!?]?$/, '.')}`,
    hint: addressSpace()
      ? ADDRESS_SPACE_HINT
      : 'Use a smaller --batch or --length, or run it where there is more memory.',
    cause: error,
  });
}
