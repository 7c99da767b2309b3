/** Lines as they come, to stdout or to a file that appears whole or not at all. */

import { once } from 'node:events';
import { AtomicFile } from '../storage/atomic-file.js';
import { OUTPUT_ADVICE } from './output.js';

export interface LineOutput {
  write(line: string): Promise<void>;
  /** The lines are complete. */
  commit(): Promise<void>;
  /** They are not: a file stays as it was. */
  discard(): Promise<void>;
}

/** @throws FileError, here or from what it returns */
export async function fileOutput(path: string): Promise<LineOutput> {
  const file = await AtomicFile.create(path, OUTPUT_ADVICE);
  return {
    write: (line) => file.write(Buffer.from(line)),
    commit: () => file.commit(),
    discard: () => file.discard(),
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
