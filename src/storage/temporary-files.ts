/**
 * Temporary names of files that are being written, and their removal. Only SIGKILL or a power cut can leave such a file behind,
 * and the next writer in the same folder removes it. The name identifies the owner. It does not contain the final name,
 * which may already have the maximum length.
 */
import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { isRunning } from './running.js';

const NAME = /^\.duo-eval-(\d+)-([0-9a-f]{8})-[0-9a-f]{12}\.tmp$/;
/** A file that was not written to for this long has no owner on any machine. */
const ABANDONED_MS = 7 * 24 * 3600 * 1000;

const own = new Set<string>();
const swept = new Set<string>();

/** An unused name in the folder; the first request also removes abandoned files there. */
export function temporaryPath(folder: string): string {
  watchForTheEnd();
  if (!swept.has(folder)) removeAbandoned(folder);
  swept.add(folder);
  const path = join(folder, `.duo-eval-${process.pid}-${here()}-${randomBytes(6).toString('hex')}.tmp`);
  own.add(path);
  return path;
}

/** Call this once the file is renamed or removed. */
export function forgetTemporary(path: string): void {
  own.delete(path);
}

/** Is it a temporary file? @returns null if not, else whether its writer may still be running */
export function isBeingWritten(name: string, modified: number): boolean | null {
  const [, pid, host] = NAME.exec(name) ?? [];
  if (pid === undefined) return null;
  if (Date.now() - modified > ABANDONED_MS) return false;
  return host !== here() || isRunning(Number(pid));
}

/** Removes the files of dead writers. Files that cannot be examined or removed stay. */
function removeAbandoned(folder: string): void {
  try {
    for (const name of readdirSync(folder)) {
      if (!NAME.test(name)) continue;
      const path = join(folder, name);
      const found = statSync(path, { throwIfNoEntry: false });
      if (found?.isFile() && isBeingWritten(name, found.mtimeMs) === false) rmSync(path, { force: true });
    }
  } catch {
    // A folder that cannot be listed may still be writable.
  }
}

let host: string | null = null;

/** The namespace of process numbers: this machine, and this container on it. */
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

/** Handles signals that have no other handler and would otherwise end the process without cleaning up. */
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
      // The next writer in this folder removes it.
    }
  }
  own.clear();
}
