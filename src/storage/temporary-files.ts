/**
 * Names of files that are being written, and what becomes of them: none outlives its process but by SIGKILL or a power cut,
 * and what these leave the next writer in the same folder removes. A name says whose it is. It does not hold the name of
 * the file to come, which may be as long as a name can be.
 */
import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { isRunning } from './running.js';

const NAME = /^\.duo-eval-(\d+)-([0-9a-f]{8})-[0-9a-f]{12}\.tmp$/;
/** What was not written to for so long has no owner, wherever that was. */
const ABANDONED_MS = 7 * 24 * 3600 * 1000;

const own = new Set<string>();
const swept = new Set<string>();

/** A name in the folder that nothing has yet; before the first one, what others left there is removed. */
export function temporaryPath(folder: string): string {
  watchForTheEnd();
  if (!swept.has(folder)) removeAbandoned(folder);
  swept.add(folder);
  const path = join(folder, `.duo-eval-${process.pid}-${here()}-${randomBytes(6).toString('hex')}.tmp`);
  own.add(path);
  return path;
}

/** It has its name, or is gone. */
export function forgetTemporary(path: string): void {
  own.delete(path);
}

/** Is it a file that someone was writing? @returns null where it is none, else whether its writer may still be at it */
export function isBeingWritten(name: string, modified: number): boolean | null {
  const [, pid, host] = NAME.exec(name) ?? [];
  if (pid === undefined) return null;
  if (Date.now() - modified > ABANDONED_MS) return false;
  return host !== here() || isRunning(Number(pid));
}

/** Of those who are gone. What cannot be looked at or removed stays. */
function removeAbandoned(folder: string): void {
  try {
    for (const name of readdirSync(folder)) {
      if (!NAME.test(name)) continue;
      const path = join(folder, name);
      const found = statSync(path, { throwIfNoEntry: false });
      if (found?.isFile() && isBeingWritten(name, found.mtimeMs) === false) rmSync(path, { force: true });
    }
  } catch {
    // A folder that cannot be listed may still be written to.
  }
}

let host: string | null = null;

/** Where process numbers mean what they mean here: this machine, and of its containers this one. */
function here(): string {
  if (host !== null) return host;
  let numbering = '';
  try {
    numbering = readlinkSync('/proc/self/ns/pid');
  } catch {
    // Not Linux.
  }
  host = createHash('sha256').update(`${hostname()}\n${numbering}`).digest('hex').slice(0, 8);
  return host;
}

let watched = false;

/** A signal that nothing else answers to would end the process without a word to anyone. */
function watchForTheEnd(): void {
  if (watched) return;
  watched = true;
  process.on('exit', removeOwn);
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    const onSignal = () => {
      if (process.listenerCount(signal) > 1) return;
      removeOwn();
      process.off(signal, onSignal);
      process.kill(process.pid, signal);
    };
    process.on(signal, onSignal);
  }
}

function removeOwn(): void {
  for (const path of own) {
    try {
      rmSync(path, { force: true });
    } catch {
      // The next writer in this folder does.
    }
  }
  own.clear();
}
