/**
 * Turns on one machine, among processes that share a cache: some share it, and one that times something has it alone. Each turn is a
 * lock in the cache (lock.ts), so a process that is killed gives its turn back. Who shares says so first and looks then whether
 * somebody wants it alone; who wants it alone says so first and looks then for those that share. So one of two always sees the other.
 */
import { createHash, randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { InUseError } from '../errors.js';
import { cacheFolder } from './folders.js';
import { acquireLock, isLocked, type Lock, thisMachine } from './lock.js';

const PAUSE_MS = 500;
const WHAT = 'Work that needs this machine alone';

/** Waits for a turn. @param alone whether nobody else may have one   @throws the reason of the signal; FileError */
export async function takeTurn(alone: boolean, signal: AbortSignal | undefined): Promise<Lock> {
  const folder = join(cacheFolder(), 'machines');
  const machine = createHash('sha256').update(thisMachine()).digest('hex').slice(0, 16);
  const single = join(folder, `${machine}.alone`);
  for (;;) {
    signal?.throwIfAborted();
    if (alone) {
      const mine = lockIfFree(single);
      if (mine !== null) return waitForOthers(mine, folder, machine, signal);
    } else {
      const mine = acquireLock(join(folder, `${machine}.${randomBytes(8).toString('hex')}`), WHAT);
      if (!isLocked(single)) return mine;
      mine.release();
    }
    await pause(PAUSE_MS, undefined, { signal });
  }
}

async function waitForOthers(
  mine: Lock,
  folder: string,
  machine: string,
  signal: AbortSignal | undefined,
): Promise<Lock> {
  const shared = new RegExp(`^${machine}\\.[0-9a-f]{16}(?=\\.lock$)`);
  const isShared = () =>
    readdirSync(folder)
      .flatMap((name) => shared.exec(name)?.[0] ?? [])
      // Who was killed left its lock behind: it is taken, and given back.
      .some((name) => {
        const left = lockIfFree(join(folder, name));
        left?.release();
        return left === null;
      });
  try {
    while (isShared()) await pause(PAUSE_MS, undefined, { signal });
    return mine;
  } catch (error) {
    mine.release();
    throw error;
  }
}

function lockIfFree(path: string): Lock | null {
  try {
    return acquireLock(path, WHAT);
  } catch (error) {
    if (error instanceof InUseError) return null;
    throw error;
  }
}
