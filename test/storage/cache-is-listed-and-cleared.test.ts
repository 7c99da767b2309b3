import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { cacheParts, listParts } from '../../src/cli/cache-parts.js';
import { recordFetched } from '../../src/datasets/fetched-datasets.js';
import { packDataset } from '../../src/datasets/pack-dataset.js';
import { loadTokenizer } from '../../src/datasets/tokenizer.js';
import { type CacheItem, removeItem } from '../../src/storage/cache-inventory.js';
import { newJournal } from '../../src/storage/journal.js';
import { acquireLock } from '../../src/storage/lock.js';
import { temporaryPath } from '../../src/storage/temporary-files.js';
import { byteTokenizer } from '../datasets/small-tokenizer.js';
import { sourceOf } from '../datasets/text-sources.js';
import { expectFailure } from '../end-to-end/failure.js';
import { type Workspace, workspace } from '../support/workspace.js';

let space: Workspace;
let cache: string;
beforeEach(() => {
  space = workspace();
  cache = space.at('.cache');
});

const HASH = 'ab'.repeat(32);
/** A process that is gone. */
const deadPid = spawnSync(process.execPath, ['-e', '']).pid;
const put = (name: string, content: string | Uint8Array = 'x'): string => {
  mkdirSync(dirname(join(cache, name)), { recursive: true });
  writeFileSync(join(cache, name), content);
  return join(cache, name);
};
const items = async () => (await listParts(await cacheParts(), cache)).flatMap((room) => room.items);
const clear = async () => {
  for (const item of await items()) await removeItem(item);
};
const tokenizer = () =>
  loadTokenizer(byteTokenizer(space.at('bytes'), { added: [{ id: 256, content: '<|endoftext|>' }] }));
const pack = async (name: string, text = 'abcdefgh') =>
  packDataset({
    source: sourceOf([text], name),
    tokenizer: await tokenizer(),
    length: 6,
    protocol: 'duo',
    cacheFolder: cache,
  });
function stoppedRun(name = `journals/${HASH}.jsonl`): string {
  const key = {
    family: 'duo',
    model: 'cd'.repeat(32),
    stream: HASH,
    sequences: 74,
    protocol: 'duo',
    seed: 1,
  };
  const path = put(name, '');
  rmSync(path);
  const journal = newJournal(path, { key: JSON.stringify(key) });
  journal.append({ d: 0 });
  journal.close();
  return join(cache, name);
}
async function fetched(name = 'ptb'): Promise<string> {
  const path = put(`datasets/${name}/${HASH}.parquet`, 'x'.repeat(500));
  const files = [{ path: 'a/b', bytes: 500, sha256: HASH }];
  const record = { name, repo: 'owner/name', revision: 'ef'.repeat(20), ending: '.parquet', files };
  await recordFetched(record, cache);
  return path;
}

describe('duo-eval cache ls', () => {
  it('names every entry, with size, age and the sum', async () => {
    (await pack('stories')).close();
    stoppedRun();
    await fetched();
    put(`sha256/${HASH}.txt`, 'x'.repeat(104));
    put(`sha256/${'cd'.repeat(32)}.txt`, 'x'.repeat(104));
    const { stdout, code, stderr } = await space.run(['cache', 'ls']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^part +size +age +what\n/);
    expect(stdout).toMatch(/\npacked +[\d.]+ kB +0 min +stories: 2 sequences of 6 tokens, [0-9a-f]{12}\n/);
    expect(stdout).toMatch(/\ndatasets +\d+ bytes +0 min +ptb: owner\/name at efefefefefef\n/);
    expect(stdout).toContain(
      'duo model cdcdcdcdcdcd on 74 sequences of abababababab, protocol duo, seed 1\n',
    );
    expect(stdout).toMatch(/\nsha256 +208 bytes +0 min +digest of a file, 2 times\n/);
    const listed = JSON.parse((await space.run(['cache', 'ls', '--json'])).stdout);
    expect(listed).toMatchObject({ schemaVersion: 1, folder: cache, total: { entries: 5 } });
    const onDisk = (await items()).flatMap(({ paths }) => paths);
    expect(onDisk).toHaveLength(6);
    expect(listed.total.bytes).toBe((await items()).reduce((sum, { bytes }) => sum + bytes, 0));
    const names = listed.rooms.map(({ room }: { room: string }) => room);
    expect(names).toEqual(['packed', 'datasets', 'models', 'journals', 'cells', 'plans', 'stops', 'sha256']);
  });

  it('lists an empty cache, a missing one, and one with damaged entries', async () => {
    expect((await space.run(['cache', 'ls'])).stdout).toBe(`0 entries, 0 bytes, in ${cache}\n`);
    for (const room of ['packed', 'journals'])
      put(`${room}/${HASH}${room === 'packed' ? '.pack' : '.jsonl'}`, 'x\n');
    put('datasets/ptb/record.json', '{');
    const { stdout, code } = await space.run(['cache', 'ls']);
    expect(code).toBe(0);
    expect(stdout.match(/damaged; it will be made anew/g)).toHaveLength(2);
    expect(stdout).toContain('ptb: unfinished');
  });
});

describe('duo-eval cache clear', () => {
  it('removes nothing without --yes, where nobody can be asked', async () => {
    const path = stoppedRun();
    const ran = await space.run(['cache', 'clear']);
    expectFailure(ran, {
      exit: 2,
      says: /Nothing was removed: 1 entry, \d+ bytes would be\./,
      hint: '--yes',
    });
    expect(existsSync(path)).toBe(true);
  });

  it('removes what is there, and says what was freed', async () => {
    (await pack('stories')).close();
    stoppedRun();
    await fetched();
    put(`sha256/${HASH}.txt`);
    const bytes = (await items()).reduce((sum, each) => sum + each.bytes, 0);
    const { stdout, code, stderr } = await space.run(['cache', 'clear', '--yes', '--json']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({ freedBytes: bytes, kept: [], removed: { length: 4 } });
    expect(await items()).toEqual([]);
  });

  it('takes only the rooms named, and knows their names', async () => {
    const journal = stoppedRun();
    const data = await fetched();
    const ran = await space.run(['cache', 'clear', 'datasets', '--yes']);
    expect(ran.stdout).toMatch(/^Freed \d+ bytes: 1 of datasets\.\n$/);
    expect([existsSync(journal), existsSync(dirname(data))]).toEqual([true, false]);
    const misspelt = await space.run(['cache', 'clear', 'journal', '--yes']);
    expectFailure(misspelt, { exit: 2, says: 'no part "journal"', hint: 'Did you mean journals?' });
  });

  it('takes only what is older than asked', async () => {
    const old = stoppedRun();
    const young = stoppedRun(`journals/${'cd'.repeat(32)}.jsonl`);
    const days = (count: number) => new Date(Date.now() - count * 86_400_000);
    utimesSync(old, days(31), days(31));
    utimesSync(young, days(29), days(29));
    await space.run(['cache', 'clear', '--older-than', '30d', '--yes']);
    expect([existsSync(old), existsSync(young)]).toEqual([false, true]);
    for (const age of ['30', '-1d']) {
      const ran = await space.run(['cache', 'clear', `--older-than=${age}`, '--yes']);
      expectFailure(ran, { exit: 2, says: '--older-than takes', hint: '30d' });
    }
    expect(existsSync(young)).toBe(true);
  });

  it('keeps a journal that a living process has locked, and says so', async () => {
    const held = stoppedRun();
    const lock = acquireLock(held, 'A test');
    const ran = await space.run(['cache', 'clear', '--yes']);
    expect(ran).toMatchObject({ code: 0, stdout: 'Freed 0 bytes: there was nothing to remove.\n' });
    expect(ran.stderr).toMatch(/^Kept journals: duo model .*: a running process holds it\.\n$/);
    expect(existsSync(held)).toBe(true);
    // Taken between the look and the removal: the lock decides, not the look.
    const [item] = await items();
    expect(await removeItem({ ...item, inUse: false })).toMatchObject({ state: 'in-use' });
    lock.release();
    await clear();
    expect(readdirSync(join(cache, 'journals'))).toEqual([]);
  });

  it('removes a journal with the lock of a process that is gone', async () => {
    const path = stoppedRun();
    writeFileSync(`${path}.lock`, JSON.stringify({ pid: deadPid, started: null }));
    put(`journals/${'cd'.repeat(32)}.jsonl.lock`, JSON.stringify({ pid: deadPid, started: null }));
    await clear();
    expect(readdirSync(join(cache, 'journals'))).toEqual([]);
  });

  it('takes the ranges of a piece of work as one entry, unless one is under way', async () => {
    const parts = `journals/${HASH}.parts`;
    for (const range of ['0-10', '10-20']) stoppedRun(`${parts}/${range}.1-abcdef.jsonl`);
    const lock = acquireLock(join(cache, parts, '20-30'), 'A test');
    expect(await items()).toMatchObject([
      { file: parts, what: expect.stringMatching(/^duo model/), inUse: true },
    ]);
    await clear();
    expect(readdirSync(join(cache, parts))).toHaveLength(3);
    lock.release();
    writeFileSync(join(cache, parts, '20-30.lock'), JSON.stringify({ pid: deadPid, started: null }));
    await clear();
    expect(readdirSync(join(cache, 'journals'))).toEqual([]);
  });

  it('removes what a killed writer left, and not what a living one writes', async () => {
    const written = put(join('packed', basename(temporaryPath(cache))));
    const left = put(join('packed', basename(written).replace(`-${process.pid}-`, `-${deadPid}-`)));
    await clear();
    expect([existsSync(left), existsSync(written)]).toEqual([false, true]);
  });

  it('touches nothing that it did not put there', async () => {
    const foreign = [
      'thesis.txt',
      'packed/notes.txt',
      'packed/deadbeef.pack',
      `photos/${HASH}.jpg`,
      `journals/${HASH}.jsonl.bak`,
      `journals/${HASH}.parts/notes.txt`,
      `journals/${'cd'.repeat(32)}.parts`,
      'datasets/ptb/ptb.valid.txt',
      'datasets/mine/record.json',
    ].map((name) => put(name));
    await fetched();
    await clear();
    expect(foreign.filter((path) => !existsSync(path))).toEqual([]);
    expect(existsSync(join(cache, 'datasets', 'ptb', 'record.json'))).toBe(false);
  });
});

describe('beside a run', () => {
  it('a packed stream that is open is read to its end', async () => {
    const stream = await pack('stories');
    await clear();
    expect(await items()).toEqual([]);
    expect([...stream.sequence(1)]).toEqual([256, 101, 102, 103, 104, 256]);
    stream.close();
  });

  it('packing and clearing do not disturb each other', async () => {
    let isOver = false;
    const clearing = (async () => {
      while (!isOver) await clear();
    })();
    for (let i = 0; i < 40; i++) {
      const stream = await pack('stories', `abcdefgh${i}`);
      expect(stream.sequences).toBe(2);
      stream.close();
    }
    isOver = true;
    await clearing;
  });

  it('an entry that is gone by the time is no failure', async () => {
    stoppedRun();
    const [item] = (await items()) as [CacheItem];
    expect((await removeItem(item)).state).toBe('removed');
    expect((await removeItem(item)).state).toBe('removed');
  });
});
