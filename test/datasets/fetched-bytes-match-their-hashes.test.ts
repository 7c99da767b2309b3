import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { resolveDataset } from '../../src/datasets/resolve-dataset.js';
import { sha256 } from '../support/hub.js';
import { fetching, LAMBADA, PTB, PTB_FILE, sameSentences, sentences } from './fetching.js';
import { REASON, shared, sharedIsMissing } from './shared-data.js';
import { textsOf } from './text-sources.js';

const { hub, fetch, kept, cachePath } = await fetching();
const altered = Buffer.from(sentences);
altered[200] ^= 4;

describe('what the hub lists', () => {
  it.each([
    ['SHA-256 of a large file', true],
    ['git hash of a small file', false],
  ])('binds what it sends: %s', async (_what, isLarge) => {
    hub.put(PTB, [{ path: PTB_FILE, content: sentences, isLarge }]);
    hub.answer = (request, response, server) => {
      const isFile = isLarge ? server === 'store' : (request.url ?? '').includes('/resolve/');
      if (isFile) response.end(altered);
      return isFile;
    };
    await expect(fetch('ptb')).rejects.toMatchObject({ code: 'hub-wrong-hash', exitCode: 4 });
    expect(kept('ptb')).toEqual([]);
    hub.answer = () => false;
    await fetch('ptb');
    expect(await textsOf('ptb')).toHaveLength(5);
  });

  it('binds its length: a file without end is cut off', async () => {
    hub.put(PTB, [{ path: PTB_FILE, content: sentences, isLarge: true }]);
    hub.answer = (_request, response, server) => {
      if (server !== 'store') return false;
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536)));
      };
      response.writeHead(200).on('drain', more);
      more();
      return true;
    };
    await expect(fetch('ptb')).rejects.toMatchObject({
      code: 'hub-answer',
      message: expect.stringContaining('larger than the hub lists it'),
    });
    expect(kept('ptb').filter((name) => !name.endsWith('.part'))).toEqual([]);
  });
});

describe('what was recorded at the first fetch', () => {
  const path = () => cachePath('datasets', 'ptb', `${sha256(sentences)}.parquet`);

  it.each([true, false])('binds later ones, also of the same commit (large file: %s)', async (isLarge) => {
    const commit = hub.put(PTB, [{ path: PTB_FILE, content: sentences, isLarge }]);
    await fetch('ptb');
    rmSync(path());
    hub.put(PTB, [{ path: PTB_FILE, content: sameSentences, isLarge }], commit);
    const refusal = { code: 'dataset-changed', exitCode: 4, hint: expect.stringContaining('--update') };
    await expect(fetch('ptb')).rejects.toMatchObject(refusal);
    expect(kept('ptb')).toEqual(['record.json']);
    await expect(resolveDataset({ spec: 'ptb' })).rejects.toMatchObject({ code: 'dataset-changed' });
  });

  it('outlives a branch that moved on: the recorded commit is fetched again', async () => {
    const commit = hub.put(PTB, [{ path: PTB_FILE, content: sentences }]);
    await fetch('ptb');
    rmSync(path());
    hub.asked.length = 0;
    await fetch('ptb');
    expect(hub.asked.every(({ url }) => url.includes(commit))).toBe(true);
    rmSync(path());
    hub.put(PTB, [{ path: PTB_FILE, content: sameSentences }]);
    await expect(fetch('ptb')).rejects.toMatchObject({
      code: 'hub-not-found',
      message: expect.stringContaining(commit),
      hint: expect.stringContaining('--update'),
    });
  });

  it('is not mixed with another revision; --update replaces it', async () => {
    const first = hub.put(PTB, [{ path: PTB_FILE, content: sentences }]);
    await fetch('ptb');
    expect(await fetch('ptb', { revision: first })).toMatchObject({ state: 'unchanged' });
    expect(await fetch('ptb', { revision: 'main' })).toMatchObject({ state: 'unchanged' });
    const second = hub.put(PTB, [{ path: PTB_FILE, content: sameSentences }]);
    expect(await fetch('ptb')).toMatchObject({ state: 'unchanged', record: { revision: first } });
    await expect(fetch('ptb', { revision: 'main' })).rejects.toMatchObject({
      code: 'dataset-of-another-revision',
      hint: expect.stringContaining(`--revision ${second} --update`),
    });
    expect(await fetch('ptb', { revision: second, update: true })).toMatchObject({
      state: 'fetched',
      record: { revision: second },
    });
    expect(kept('ptb')).toEqual([`${sha256(sameSentences)}.parquet`, 'record.json'].sort());
  });

  it('is refused when the record itself was altered, until it is fetched anew', async () => {
    hub.put(PTB, [{ path: PTB_FILE, content: sentences }]);
    await fetch('ptb');
    const record = cachePath('datasets', 'ptb', 'record.json');
    const text = readFileSync(record, 'utf8');
    for (const damaged of [
      '',
      '{',
      'null',
      text.replace(sha256(sentences), sha256(altered)),
      text.slice(0, -20),
    ]) {
      writeFileSync(record, damaged);
      for (const use of [() => resolveDataset({ spec: 'ptb' }), () => fetch('ptb')]) {
        await expect(use()).rejects.toMatchObject({ code: 'broken-record', exitCode: 4 });
      }
    }
    expect((await fetch('ptb', { update: true })).state).toBe('fetched');
    expect(readFileSync(record, 'utf8')).toBe(text);
  });
});

describe('a file that is known byte for byte', () => {
  it.each([true, false])('is refused when the hub has another (large file: %s)', async (isLarge) => {
    hub.put(LAMBADA, [
      { path: 'data/lambada_test.jsonl', content: Buffer.from('{"text":"another"}\n'), isLarge },
    ]);
    await expect(fetch('lambada')).rejects.toMatchObject({ code: 'dataset-not-the-published', exitCode: 4 });
    expect(kept('lambada')).toEqual([]);
  });

  it.skipIf(sharedIsMissing)(`is taken when it is that file${REASON}`, async () => {
    const content = readFileSync(shared('data/lambada/lambada_test.jsonl'));
    hub.put(LAMBADA, [{ path: 'data/lambada_test.jsonl', content, isLarge: true }]);
    await fetch('lambada');
    expect(await textsOf('lambada')).toHaveLength(5153);
  });
});
