/**
 * One owner at a time for a piece of work, on any number of machines that share a folder. The lock is a file beside the work,
 * made by link(2), so that it appears whole or not at all, on NFS too. It says who owns it: machine, space of process numbers
 * (a container has its own), process. The owner writes to it every few seconds through the file that it holds open, which gives it
 * a new time by the clock of the file's server. A lock is taken over
 *
 * - at once if its owner's process is of this machine and space, and is gone,
 * - otherwise when it has been silent for LEASE seconds, by that same clock: clocks of machines are never compared.
 *
 * An owner that was silent for so long, yet goes on, does no harm to journals, since each writer has a file of its own.
 */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  copyFileSync,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { hostname } from 'node:os';
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
  /** Machine and space of process numbers; absent in locks of earlier builds. */
  space?: string;
  /** Name of the machine, for people. */
  host?: string;
  /** Of this lock alone. */
  token?: string;
}

/** A take-over lasts milliseconds; an older one was killed itself. */
const TAKEOVER_MS = 10_000;

/** Seconds of silence after which the lock of an owner that cannot be asked is taken over. `DUO_EVAL_LEASE` sets it. */
const LEASE_SECONDS = 60;

export const leaseMs = (): number => {
  const seconds = Number(process.env.DUO_EVAL_LEASE);
  return 1000 * (seconds > 0 ? seconds : LEASE_SECONDS);
};

/**
 * @param path of the work to own; the lock is `path.lock`   @param what the purpose of the work, for the error
 * @param advice for the user if the lock cannot be created
 * @throws InUseError `in-use` when another process owns it
 */
export function acquireLock(path: string, what: string, advice = CACHE_ADVICE): Lock {
  const lockPath = `${path}.lock`;
  for (let attempt = 0; attempt < 8; attempt++) {
    try {
      makeFolder(dirname(lockPath));
    } catch (cause) {
      throw fileFailure(cause, 'create the lock', lockPath, advice);
    }
    const token = create(lockPath, advice);
    if (token !== null) return held(lockPath, token);
    const found = readOwner(lockPath, clockOf(dirname(lockPath)));
    if (found === 'absent') continue;
    if (found !== 'unreadable' && isAlive(found)) throw inUse(what, found.owner);
    takeOver(lockPath, advice);
  }
  throw inUse(what, null);
}

/** Does a running process own the work? The answer may change at any time; acquire the lock to rely on it. */
export function isLocked(path: string): boolean {
  const found = readOwner(`${path}.lock`, Date.now());
  return typeof found === 'object' && isAlive(found);
}

/** Locks of this process, each with the file that it holds open. */
const own = new Map<string, { token: string; descriptor: number }>();
let beats: NodeJS.Timeout | undefined;

function held(lockPath: string, token: string): Lock {
  try {
    own.set(token, { token, descriptor: openSync(lockPath, 'r+') });
  } catch {
    // Taken over in the meantime, or not writable: then without a sign of life.
  }
  beats ??= setInterval(beat, leaseMs() / 6).unref();
  return {
    release() {
      const mine = own.get(token);
      own.delete(token);
      if (mine) closeSync(mine.descriptor);
      if (own.size === 0) {
        clearInterval(beats);
        beats = undefined;
      }
      if (ownerIn(lockPath)?.token === token) rmSync(lockPath, { force: true });
    },
  };
}

/** A sign of life for every lock: its first byte, written again. If the lock was taken over, this reaches a file without a name. */
function beat(): void {
  for (const { descriptor } of own.values()) {
    try {
      writeSync(descriptor, '{', 0);
      fsyncSync(descriptor); // to the server, on a network disk
    } catch {
      // The next one may succeed; until then the lock ages.
    }
  }
}

/** @returns the token of the lock; null if there is a lock already */
function create(lockPath: string, advice: string): string | null {
  const token = randomBytes(8).toString('hex');
  const owner: Owner = {
    pid: process.pid,
    started: startOf(process.pid),
    space: processSpace(),
    host: hostname(),
    token,
  };
  try {
    writeWhole(lockPath, JSON.stringify(owner));
    return token;
  } catch (cause) {
    if (systemCodeOf(cause) === 'EEXIST') return null;
    // Another process has just removed the folder, which was empty: the next attempt makes it again.
    if (systemCodeOf(cause) === 'ENOENT') return null;
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

/** The time now, by the clock that gives the files of this folder their times; the clock of this machine where it may not be written. */
function clockOf(folder: string): number {
  const temporary = temporaryPath(folder);
  try {
    const descriptor = openSync(temporary, 'wx');
    try {
      writeSync(descriptor, '.');
      fsyncSync(descriptor);
      return fstatSync(descriptor).mtimeMs;
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return Date.now();
  } finally {
    rmSync(temporary, { force: true });
    forgetTemporary(temporary);
  }
}

interface Found {
  owner: Owner;
  /** Since its last sign of life. */
  silentMs: number;
}

/** @param now by the clock of the folder */
function readOwner(lockPath: string, now: number): Found | 'absent' | 'unreadable' {
  let text: string;
  let silentMs: number;
  try {
    // Opening, not stat, so that a network disk asks its server.
    const descriptor = openSync(lockPath, 'r');
    try {
      text = readFileSync(descriptor, 'utf8');
      silentMs = now - fstatSync(descriptor).mtimeMs;
    } finally {
      closeSync(descriptor);
    }
  } catch (cause) {
    return systemCodeOf(cause) === 'ENOENT' ? 'absent' : 'unreadable';
  }
  try {
    const owner = JSON.parse(text) as Owner;
    return Number.isInteger(owner.pid) && owner.pid > 0 ? { owner, silentMs } : 'unreadable';
  } catch {
    // Another process has created but not written it, or a crash has torn it; only its age shows which.
    return silentMs > TAKEOVER_MS ? 'unreadable' : 'absent';
  }
}

function ownerIn(lockPath: string): Owner | null {
  const found = readOwner(lockPath, Date.now());
  return typeof found === 'object' ? found.owner : null;
}

/** Removes a dead owner's lock, one process at a time; otherwise a second one could remove the new lock of the first. */
function takeOver(lockPath: string, advice: string): void {
  const guard = `${lockPath}.takeover`;
  const now = clockOf(dirname(lockPath));
  if (create(guard, advice) === null) {
    const other = readOwner(guard, now);
    if (typeof other === 'object' && other.silentMs > TAKEOVER_MS) rmSync(guard, { force: true });
    return;
  }
  try {
    const found = readOwner(lockPath, now);
    if (found === 'unreadable' || (found !== 'absent' && !isAlive(found))) rmSync(lockPath, { force: true });
  } finally {
    rmSync(guard, { force: true });
  }
}

function isAlive({ owner: { pid, started, space }, silentMs }: Found): boolean {
  const isOurs = space === undefined ? isOfThisBoot(started) : space === processSpace();
  if (!isOurs) return silentMs < leaseMs();
  if (!isRunning(pid)) return false;
  const now = startOf(pid);
  return started === null || now === null || started === now;
}

/** Locks of earlier builds name only the boot of their machine. */
function isOfThisBoot(started: string | null): boolean {
  const here = startOf(process.pid);
  return started === null || here === null || started.split('/')[0] === here.split('/')[0];
}

/** Linux: clock ticks from boot to the process's start, and the boot itself; null elsewhere. */
function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return `${bootOf()}/${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`;
  } catch {
    return null;
  }
}

const bootOf = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

/** The same for all processes of a machine since it started, those in containers too; elsewhere than on Linux its name. */
export function thisMachine(): string {
  try {
    return bootOf();
  } catch {
    return hostname();
  }
}

/** Where process numbers mean the same processes: a machine since it started, or a container on it. */
function processSpace(): string {
  try {
    return `${bootOf()}/${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return hostname(); // Not Linux.
  }
}

function inUse(what: string, owner: Owner | null): InUseError {
  const where = owner?.space === undefined || owner.space === processSpace() ? '' : ` on ${owner.host}`;
  return new InUseError({
    code: 'in-use',
    message: `${what} is under way in another process${owner === null ? '' : ` (${owner.pid}${where})`}.`,
    hint: 'Wait until it has ended, or end it; the same command then continues from what it finished.',
  });
}
