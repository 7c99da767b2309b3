/**
 * Lines as they come, to stdout or to a file that appears whole or not at all. A link is followed, so that it stays a link;
 * devices and pipes are written to directly.
 */

import { once } from 'node:events';
import { closeSync, openSync, writeSync } from 'node:fs';
import { AtomicFile } from '../storage/atomic-file.js';
import { fileFailure } from '../storage/file-failure.js';
import { destination } from './output.js';

export interface LineOutput {
  write(line: string): Promise<void>;
  /** The lines are complete. */
  commit(): Promise<void>;
  /** They are not: a file stays as it was. */
  discard(): Promise<void>;
}

/** @throws FileError, here or from what it returns */
export async function fileOutput(path: string): Promise<LineOutput> {
  const { target, kind } = destination(path);
  if (kind === 'device') return deviceOutput(target);
  const file = await AtomicFile.create(target, 'Give --out a path where you may write.');
  let open = true;
  const once = (end: () => Promise<void>) => async () => {
    if (open) await end();
    open = false;
  };
  return {
    write: (line) => file.write(Buffer.from(line)),
    commit: once(() => file.commit()),
    discard: once(() => file.discard()),
  };
}

/** Waits where the reader is slow. @param check throws where what was written did not arrive */
export function streamOutput(stream: NodeJS.WriteStream, check: () => void): LineOutput {
  return {
    async write(line) {
      if (!stream.write(line)) await once(stream, 'drain').catch(() => {}); // an error is for `check` to judge
      check();
    },
    commit: async () => {},
    discard: async () => {},
  };
}

function deviceOutput(path: string): LineOutput {
  const guarded = <T>(action: () => T): T => {
    try {
      return action();
    } catch (cause) {
      throw fileFailure(cause, 'write', path, 'Give another path to --out.');
    }
  };
  const descriptor = guarded(() => openSync(path, 'w'));
  let open = true;
  const close = async () => {
    if (open) closeSync(descriptor);
    open = false;
  };
  return {
    async write(line) {
      const bytes = Buffer.from(line);
      for (let at = 0; at < bytes.length; ) at += guarded(() => writeSync(descriptor, bytes, at));
    },
    commit: close,
    discard: close,
  };
}
