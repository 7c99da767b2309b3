/**
 * Waiting for what another process does, here or on another machine: a fetch, a conversion, a part of a suite. Whether this process
 * waits, and how it says so, is set once, by the command line. Programs that use the library do not wait unless they say so.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { InUseError } from '../errors.js';
import type { Observer } from '../observer.js';
import { acquireLock, type Lock } from './lock.js';

let observer: Observer | null = null;

/** @param heard null: do not wait */
export function waitForOthers(heard: Observer | null): void {
  observer = heard;
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2000;

/**
 * As acquireLock, but waits until the other process has ended, if this process waits.
 * @throws InUseError `in-use`; the reason of the signal
 */
export async function acquireInTurn(path: string, what: string): Promise<Lock> {
  const since = performance.now();
  for (let ms = FIRST_PAUSE_MS; ; ms = Math.min(1.5 * ms, LONGEST_PAUSE_MS)) {
    observer?.signal?.throwIfAborted();
    try {
      return acquireLock(path, what);
    } catch (error) {
      if (!(error instanceof InUseError) || observer === null) throw error;
      if (ms === FIRST_PAUSE_MS)
        observer.note?.(`${error.message} Waiting for it; --no-wait would end here.`);
      observer.progress?.(`waiting: ${what}`, Math.round((performance.now() - since) / 1000), null);
    }
    await pause(ms, undefined, { signal: observer?.signal });
  }
}
