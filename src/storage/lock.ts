/**
 * One owner at a time for a file that is appended to. The lock is a file beside it that names the process of its owner.
 * The lock of a dead owner (killed, crashed, or before a reboot) is taken over. Works between processes of one machine.
 */
import { constants, copyFileSync, linkSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { InUseError } from '../errors.js';
import { CACHE_ADVICE } from './cache-entry.js';
import { fileFailure, systemCodeOf } from './file-failure.js';
import { makeFolder } from './make-folder.js';
import { isRunning } from './running.js';
import { forgetTemporary, temporaryPath } from './temporary-files.js';

export interface Lock {
  release(): void;
}

interface Owner {
  pid: number;
  /** Start time of the process, in the system's format; distinguishes it from a later process with the same number. */
  started: string | null;
}

/** A take-over lasts milliseconds; an older one was killed itself. */
const TAKEOVER_MS = 10_000;

/**
 * @param path of the file to own; the lock is `path.lock`   @param what the purpose of the file, for the error
 * @param advice for the user if the lock cannot be created
 * @throws InUseError `in-use` when a running process owns it
 */
export function acquireLock(path: string, what: string, advice = CACHE_ADVICE): Lock {
  const lockPath = `${path}.lock`;
  try {
    makeFolder(dirname(lockPath));
  } catch (cause) {
    throw fileFailure(cause, 'create the lock', lockPath, advice);
  }
  for (let attempt = 0; attempt < 8; attempt++) {
    if (create(lockPath, advice)) return { release: () => releaseOwn(lockPath) };
    const owner = readOwner(lockPath);
    if (owner === 'absent') continue;
    if (owner !== 'unreadable' && isAlive(owner)) throw inUse(what, owner.pid);
    takeOver(lockPath, advice);
  }
  throw inUse(what, null);
}

/** Does a running process own the file? The answer may change at any time; acquire the lock to rely on it. */
export function isLocked(path: string): boolean {
  const owner = readOwner(`${path}.lock`);
  return typeof owner === 'object' && isAlive(owner);
}

/** @returns false if there is a lock already */
function create(lockPath: string, advice: string): boolean {
  const owner: Owner = { pid: process.pid, started: startOf(process.pid) };
  try {
    writeWhole(lockPath, JSON.stringify(owner));
    return true;
  } catch (cause) {
    if (systemCodeOf(cause) === 'EEXIST') return false;
    throw fileFailure(cause, 'create the lock', lockPath, advice);
  }
}

/**
 * A new file that appears with its content, by a link: a process that is killed here leaves no lock without an owner. In
 * place where the file system has no links. @throws EEXIST if the file exists
 */
function writeWhole(path: string, content: string): void {
  const temporary = temporaryPath(dirname(path));
  try {
    writeFileSync(temporary, content, { flag: 'wx' });
    linkSync(temporary, path);
  } catch (cause) {
    if (!WITHOUT_LINKS.has(systemCodeOf(cause) ?? '')) throw cause;
    copyFileSync(temporary, path, constants.COPYFILE_EXCL);
  } finally {
    rmSync(temporary, { force: true });
    forgetTemporary(temporary);
  }
}

/** Answers of file systems that have no hard links. */
const WITHOUT_LINKS: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);

function readOwner(lockPath: string): Owner | 'absent' | 'unreadable' {
  let text: string;
  try {
    text = readFileSync(lockPath, 'utf8');
  } catch (cause) {
    return systemCodeOf(cause) === 'ENOENT' ? 'absent' : 'unreadable';
  }
  try {
    const owner = JSON.parse(text) as Owner;
    return Number.isInteger(owner.pid) && owner.pid > 0 ? owner : 'unreadable';
  } catch {
    // Another process has created but not written it, or a crash has torn it; only its age shows which.
    return ageOf(lockPath) > TAKEOVER_MS ? 'unreadable' : 'absent';
  }
}

/** Removes a dead owner's lock, one process at a time; otherwise a second one could remove the new lock of the first. */
function takeOver(lockPath: string, advice: string): void {
  const guard = `${lockPath}.takeover`;
  if (!create(guard, advice)) {
    if (ageOf(guard) > TAKEOVER_MS) rmSync(guard, { force: true });
    return;
  }
  try {
    const owner = readOwner(lockPath);
    if (owner === 'unreadable' || (owner !== 'absent' && !isAlive(owner))) rmSync(lockPath, { force: true });
  } finally {
    rmSync(guard, { force: true });
  }
}

function releaseOwn(lockPath: string): void {
  const owner = readOwner(lockPath);
  if (typeof owner === 'object' && owner.pid === process.pid) rmSync(lockPath, { force: true });
}

function isAlive({ pid, started }: Owner): boolean {
  if (!isRunning(pid)) return false;
  const now = startOf(pid);
  return started === null || now === null || started === now;
}

/** Linux: clock ticks from boot to the process's start, and the boot itself; null elsewhere. */
function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${boot}/${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`;
  } catch {
    return null;
  }
}

function ageOf(path: string): number {
  try {
    return Date.now() - statSync(path).mtimeMs;
  } catch {
    return 0;
  }
}

function inUse(what: string, pid: number | null): InUseError {
  return new InUseError({
    code: 'in-use',
    message: `${what} is under way in another process${pid === null ? '' : ` (${pid})`}.`,
    hint: 'Wait until it has ended, or end it; the same command then continues from what it finished.',
  });
}
