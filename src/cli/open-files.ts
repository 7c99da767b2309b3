/**
 * Whether enough files may be open at once. Node loads a program's modules many at a time, and where it may not open one it
 * waits for it without end and without a word; so it is asked before anything is loaded.
 */
import { closeSync, openSync } from 'node:fs';
import { FileError } from '../errors.js';

/** Beside those that are open already. A command was seen to need about 90. */
const NEEDED = 128;

/** @param path of any file that can be read   @throws FileError `too-many-open-files` */
export function checkOpenFiles(path: string): void {
  const opened: number[] = [];
  try {
    while (opened.length < NEEDED) opened.push(openSync(path, 'r'));
  } catch (cause) {
    if (!/^E[MN]FILE$/.test((cause as NodeJS.ErrnoException).code ?? '')) throw cause;
    throw new FileError({
      code: 'too-many-open-files',
      message: `Only ${opened.length} more files may be opened here, and duo-eval needs up to ${NEEDED}.`,
      hint: 'Raise the limit on open files (ulimit -n 1024), or close other programs.',
      cause,
    });
  } finally {
    for (const descriptor of opened) closeSync(descriptor);
  }
}
