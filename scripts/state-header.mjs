// The first line of a run's training.state: the step it has reached, its settings, and the digest of what follows.
import { closeSync, openSync, readSync } from 'node:fs';

const MOST_BYTES = 64 * 1024;

/** @returns {{step: number, settings: object, sha256: string}} */
export function stateHeader(path) {
  const bytes = Buffer.alloc(MOST_BYTES);
  const file = openSync(path, 'r');
  try {
    readSync(file, bytes, 0, MOST_BYTES, 0);
  } finally {
    closeSync(file);
  }
  return JSON.parse(bytes.subarray(0, bytes.indexOf(10)).toString());
}
