import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { safePath } from '../../src/datasets/hub/listing.js';
import { sendJson } from '../support/hub.js';
import { fetching, PTB, PTB_FILE, sentences } from './fetching.js';

const { hub, fetch, kept, cachePath } = await fetching();

describe('a file name that leads out of its folder', () => {
  it.each([
    'penn_treebank/validation/../../../../../evil.parquet',
    '../penn_treebank/validation/0000.parquet',
    '/etc/passwd',
    'penn_treebank//validation/0000.parquet',
    'penn_treebank/./validation/0000.parquet',
    'penn_treebank\\..\\..\\evil.parquet',
    'C:/evil.parquet',
    'penn_treebank/validation/0000.parquet\0.txt',
    '..',
    '',
  ])('%j: nothing is fetched', async (path) => {
    hub.put(PTB, [
      { path: PTB_FILE, content: sentences },
      { path, content: sentences, listed: { path } },
    ]);
    const failure = await fetch('ptb').catch((error) => error);
    expect(failure).toMatchObject({ code: 'unsafe-file-name', exitCode: 4 });
    expect(failure.message).not.toContain('\0');
    expect(hub.asked.some(({ url }) => url.includes('/resolve/'))).toBe(false);
    expect(kept('ptb')).toEqual([]);
    expect(existsSync(cachePath('evil.parquet'))).toBe(false);
  });

  it('is told from those of real data sets', () => {
    for (const path of ['README.md', 'data/test-00000-of-00001.parquet', 'a b/ü..x', '.gitattributes']) {
      expect(safePath(path, 'hub')).toBe(path);
    }
  });
});

describe('a listing', () => {
  const listing = (answer: unknown) => {
    hub.put(PTB, [{ path: PTB_FILE, content: sentences }]);
    hub.answer = (request, response) => {
      const isListing = (request.url ?? '').includes('/tree/');
      if (isListing && typeof answer === 'string') response.end(answer);
      else if (isListing) sendJson(response, answer);
      return isListing;
    };
  };
  const file = { type: 'file', path: PTB_FILE, size: 10, oid: 'a'.repeat(40) };

  it.each([
    ['that is no JSON', '<html>'],
    ['that is no list', { error: 1 }],
    ['of nothing', [null]],
    ['without a size', [{ ...file, size: undefined }]],
    ['of a size below zero', [{ ...file, size: -1 }]],
    ['of an endless size', [{ ...file, size: 1e300 }]],
    ['without a hash', [{ ...file, oid: undefined }]],
    ['with a hash that is a path', [{ ...file, lfs: { oid: '../../evil', size: 10, pointerSize: 1 } }]],
    ['far too long', 'x'.repeat(2 ** 24 + 1)],
  ])('%s is a sentence', async (_what, answer) => {
    listing(answer);
    await expect(fetch('ptb')).rejects.toMatchObject({ code: 'hub-answer', exitCode: 4 });
    expect(kept('ptb')).toEqual([]);
  });

  it.each([
    ['no such split', [{ ...file, path: 'penn_treebank/train/0000.parquet' }]],
    ['no such split', []],
    ['only a part of the split', [{ ...file, path: 'penn_treebank/partial-validation/0000.parquet' }]],
    ['not all parts of the split', [{ ...file, path: 'penn_treebank/validation/0001.parquet' }]],
  ])('of %s is not taken for the data set', async (says, answer) => {
    listing(answer);
    await expect(fetch('ptb')).rejects.toMatchObject({
      code: 'hub-data-missing',
      message: expect.stringContaining(says),
    });
  });

  it('of one shard of two is not taken for the data set', async () => {
    hub.put('fancyzhx/ag_news', [{ path: 'data/test-00000-of-00002.parquet', content: sentences }]);
    await expect(fetch('ag_news')).rejects.toMatchObject({ code: 'hub-data-missing' });
  });

  it('without end is left', async () => {
    hub.put(PTB, [{ path: PTB_FILE, content: sentences }]);
    hub.answer = (request, response) => {
      const isListing = (request.url ?? '').includes('/tree/');
      if (!isListing) return false;
      response.setHeader('link', `<${hub.url}${request.url}>; rel="next"`);
      const entries = Array.from({ length: 1000 }, (_, i) => ({ ...file, path: `penn_treebank/other/${i}` }));
      sendJson(response, entries);
      return true;
    };
    await expect(fetch('ptb')).rejects.toMatchObject({ code: 'hub-answer' });
    expect(hub.asked.length).toBeLessThan(20);
  });

  it('of endless empty pages is left', async () => {
    hub.put(PTB, [{ path: PTB_FILE, content: sentences }]);
    hub.answer = (request, response) => {
      const isListing = (request.url ?? '').includes('/tree/');
      if (!isListing) return false;
      response.setHeader('link', `<${hub.url}${request.url}>; rel="next"`);
      sendJson(response, []);
      return true;
    };
    await expect(fetch('ptb')).rejects.toMatchObject({ code: 'hub-answer' });
  });

  it('of a commit that is none is a sentence', async () => {
    hub.put(PTB, [{ path: PTB_FILE, content: sentences }], '../../main');
    await expect(fetch('ptb')).rejects.toMatchObject({ code: 'hub-answer' });
  });
});
