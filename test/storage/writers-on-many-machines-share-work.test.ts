/** About src/storage/work-journal.ts, src/storage/lock.ts, src/storage/waiting.ts */
import { readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InUseError } from '../../src/errors.js';
import { cacheEntryPath } from '../../src/storage/cache-entry.js';
import { newJournal } from '../../src/storage/journal.js';
import { acquireLock, isLocked } from '../../src/storage/lock.js';
import { waitForOthers } from '../../src/storage/waiting.js';
import {
  openWorkJournal,
  readWorkJournal,
  type WorkParts,
  type WorkRange,
} from '../../src/storage/work-journal.js';
import { temporaryFolder } from '../support/folder.js';

const key = { work: 1 };
let folder: string;
let path: string;
beforeEach(() => {
  folder = temporaryFolder().root;
  process.env.DUO_EVAL_CACHE = folder;
  path = cacheEntryPath('journals', key, '.jsonl');
});
afterEach(() => {
  delete process.env.DUO_EVAL_CACHE;
  waitForOthers(null);
});

async function opened(parts?: WorkParts) {
  const entries: object[] = [];
  const journal = await openWorkJournal<object>(key, {
    what: 'The work',
    fresh: false,
    parts,
    onEntry: (entry) => entries.push(entry),
  });
  return { ...journal, entries };
}

/** The lock as a process on another machine would have made it, whose last sign of life is so many seconds ago. */
function ofAnotherMachine(seconds: number): void {
  const lock = JSON.parse(readFileSync(`${path}.lock`, 'utf8'));
  writeFileSync(`${path}.lock`, JSON.stringify({ ...lock, space: 'elsewhere', host: 'far', pid: 1 }));
  utimesSync(`${path}.lock`, Date.now() / 1000 - seconds, Date.now() / 1000 - seconds);
}

describe('a lock', () => {
  it('of a process on another machine holds until it has been silent for a minute', async () => {
    const lock = acquireLock(path, 'The work');
    ofAnotherMachine(50);
    expect(isLocked(path)).toBe(true);
    expect(() => acquireLock(path, 'The work')).toThrow(
      'The work is under way in another process (1 on far).',
    );
    ofAnotherMachine(61);
    expect(isLocked(path)).toBe(false);
    const next = acquireLock(path, 'The work');
    lock.release(); // no longer its own
    expect(() => acquireLock(path, 'The work')).toThrow(InUseError);
    next.release();
    expect(readdirSync(join(folder, 'journals'))).toEqual([]);
  });

  it('gives signs of life while it is held', async () => {
    process.env.DUO_EVAL_LEASE = '0.3';
    const lock = acquireLock(path, 'The work');
    const { space } = JSON.parse(readFileSync(`${path}.lock`, 'utf8'));
    ofAnotherMachine(100);
    expect(isLocked(path)).toBe(false);
    while (!isLocked(path)) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(JSON.parse(readFileSync(`${path}.lock`, 'utf8')).space).not.toBe(space);
    delete process.env.DUO_EVAL_LEASE;
    lock.release();
  });
});

describe('work that several processes share', () => {
  it('is waited for where that is wanted, and then continued', async () => {
    const first = await opened();
    await expect(opened()).rejects.toMatchObject({ code: 'in-use', exitCode: 76 });
    const notes: string[] = [];
    waitForOthers({ note: (text) => notes.push(text) });
    const second = opened();
    first.append({ a: 1 });
    first.close();
    expect((await second).entries).toEqual([{ a: 1 }]);
    expect(notes).toEqual([expect.stringContaining('Waiting for it; --no-wait')]);
    (await second).finish();
    expect(readdirSync(join(folder, 'journals'))).toEqual([]);
  });

  it('loses nothing when an owner goes on although its lock was taken over', async () => {
    const first = await opened();
    first.append({ a: 1 });
    ofAnotherMachine(61);
    const second = await opened();
    expect(second.entries).toEqual([{ a: 1 }]);
    first.append({ a: 2 });
    second.append({ a: 3 });
    first.append({ a: 4 });
    first.close();
    second.close();
    const third = await opened();
    expect(third.entries).toEqual([1, 2, 4, 3].map((a) => ({ a })));
    third.close();
  });

  it('is read from the one file of an earlier build, too, and damage costs that file alone', async () => {
    const earlier = newJournal<object>(path, { key: JSON.stringify(key) });
    for (const a of [1, 2]) earlier.append({ a });
    earlier.close();
    const own = await opened();
    own.append({ a: 3 });
    own.close();
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.subarray(0, bytes.length - 4));
    const next = await opened();
    expect(next.entries).toEqual([{ a: 1 }, { a: 3 }]);
    next.finish();
    expect(readdirSync(join(folder, 'journals'))).toEqual([]);
  });
});

describe('ranges of a piece of work', () => {
  const suite = { for: 'a suite' };
  const part = (from: number, to: number) => ({ ...suite, range: { from, to } });
  const inCache = (ranges: WorkRange[]) => {
    const entries: object[] = [];
    readWorkJournal<object>(key, (entry) => entries.push(entry), { ...suite, ranges });
    return entries;
  };

  it('are done side by side, read where they overlap, and joined', async () => {
    const [first, second] = [await opened(part(0, 10)), await opened(part(10, 30))];
    await expect(opened(part(0, 10))).rejects.toMatchObject({ code: 'in-use' });
    first.append({ a: 1 });
    second.append({ a: 12 });
    first.close();
    second.close();
    const again = await opened(part(10, 20));
    expect(again.entries).toEqual([{ a: 12 }]);
    again.close();
    expect(inCache([part(0, 5), part(40, 50)].map(({ range }) => range))).toEqual([{ a: 1 }]);
    expect(inCache([{ from: 30, to: 40 }])).toEqual([]);
    expect(inCache([{ from: 0, to: 30 }])).toHaveLength(2);
    expect((await opened(suite)).entries).toHaveLength(2);
  });

  it('leave nothing once the whole is finished, and stay when somebody else finishes the same work', async () => {
    const first = await opened(part(0, 10));
    first.append({ a: 1 });
    first.close();
    const alone = await opened();
    expect(alone.entries).toEqual([]);
    alone.append({ a: 2 });
    alone.finish();
    const whole = await opened(suite);
    expect(whole.entries).toEqual([{ a: 1 }]);
    whole.finish();
    expect(readdirSync(join(folder, 'journals'))).toEqual([]);
  });

  it('may begin again while the whole is being finished', async () => {
    const whole = await opened(suite);
    const again = await opened(part(0, 10));
    whole.finish();
    again.append({ a: 1 });
    again.close();
    expect(inCache([{ from: 0, to: 10 }])).toEqual([{ a: 1 }]);
  });
});
