import { rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { addDataset, listDatasets, verifyDatasets } from '../../src/datasets/catalogue.js';
import { namesToFetch } from '../../src/datasets/hub/fetch-dataset.js';
import { HUB_LOCATIONS } from '../../src/datasets/hub/locations.js';
import { PROTOCOL_DATASETS } from '../../src/datasets/protocol-table.js';
import { resolveDataset } from '../../src/datasets/resolve-dataset.js';
import { temporaryFolder } from '../support/folder.js';
import { sha256 } from '../support/hub.js';
import { fetching, PTB, PTB_FILE, parquet, sameSentences, sentences } from './fetching.js';
import { textsOf } from './text-sources.js';

const { hub, fetch, kept, cachePath } = await fetching();
const folder = temporaryFolder();

describe('a data set fetched by name', () => {
  it('is read from the cache, with its commit and hash on record', async () => {
    const commit = hub.put(PTB, [
      { path: PTB_FILE, content: sentences, isLarge: true },
      { path: 'penn_treebank/train/0000.parquet', content: Buffer.from('not asked for') },
    ]);
    const { record, state } = await fetch('ptb');
    expect(state).toBe('fetched');
    const files = [{ path: PTB_FILE, bytes: sentences.length, sha256: sha256(sentences) }];
    expect(record).toEqual({ name: 'ptb', repo: PTB, revision: commit, ending: '.parquet', files });
    expect(await textsOf('ptb')).toEqual(parquet.sentences);
    expect(await resolveDataset({ spec: 'ptb' })).toMatchObject({
      split: 'validation',
      sourceSha256: sha256(sentences),
      detokenizer: { name: 'ptb' },
    });
    expect(kept('ptb')).toEqual([`${sha256(sentences)}.parquet`, 'record.json']);
    expect((await listDatasets()).find(({ name }) => name === 'ptb')).toMatchObject({ state: 'fetched' });
    expect(hub.asked[0].url).toMatch(
      new RegExp(`^/api/datasets/${PTB}/revision/refs%2Fconvert%2Fparquet\\?`),
    );
  });

  it('is not asked for again while it is whole', async () => {
    hub.put(PTB, [{ path: PTB_FILE, content: sentences }]);
    const { record } = await fetch('ptb');
    hub.asked.length = 0;
    expect(await fetch('ptb')).toEqual({ record, state: 'unchanged' });
    expect(hub.asked).toEqual([]);
  });

  it('may come in several files, read in the order of their names', async () => {
    hub.put(PTB, [
      { path: 'penn_treebank/validation/0001.parquet', content: sameSentences },
      { path: PTB_FILE, content: sentences },
    ]);
    const { record } = await fetch('ptb');
    expect(record.files.map(({ path }) => path)).toEqual([PTB_FILE, PTB_FILE.replace('0000', '0001')]);
    expect(await textsOf('ptb')).toEqual([...parquet.sentences, ...parquet.sentences]);
    expect((await resolveDataset({ spec: 'ptb' })).sourceSha256).not.toBe(sha256(sentences));
  });

  it('gives way to a file that was registered under its name', async () => {
    hub.put(PTB, [{ path: PTB_FILE, content: sentences }]);
    await fetch('ptb');
    await addDataset(`ptb=${folder.file('mine.txt', 'mine\n')}`);
    expect(await textsOf('ptb')).toEqual(['mine']);
    expect((await listDatasets()).find(({ name }) => name === 'ptb')).toMatchObject({ state: 'registered' });
  });

  it('is refused when its file changed or went, and restored by a fetch', async () => {
    hub.put(PTB, [{ path: PTB_FILE, content: sentences, isLarge: true }]);
    await fetch('ptb');
    const path = cachePath('datasets', 'ptb', `${sha256(sentences)}.parquet`);
    const altered = Buffer.from(sentences);
    altered[100] ^= 1;
    for (const spoil of [() => writeFileSync(path, altered), () => rmSync(path)]) {
      spoil();
      await expect(resolveDataset({ spec: 'ptb' })).rejects.toMatchObject({
        code: 'dataset-changed',
        exitCode: 4,
        hint: expect.stringContaining('datasets fetch ptb'),
      });
      expect(await verifyDatasets([])).toContainEqual({
        name: 'ptb',
        path: null,
        failure: expect.objectContaining({ code: 'dataset-changed' }),
      });
      expect((await fetch('ptb')).state).toBe('fetched');
      expect(await textsOf('ptb')).toEqual(parquet.sentences);
      expect((await verifyDatasets(['ptb']))[0].failure).toBeNull();
    }
  });

  it('is offered where it is missing, beside registering', async () => {
    await expect(resolveDataset({ spec: 'ptb' })).rejects.toMatchObject({
      code: 'dataset-needs-path',
      hint: expect.stringMatching(/datasets fetch ptb.*datasets add ptb=path/),
    });
  });
});

describe('the names to fetch', () => {
  it('are those of the protocol; all means the seven', () => {
    expect(Object.keys(HUB_LOCATIONS)).toEqual(Object.keys(PROTOCOL_DATASETS));
    expect(namesToFetch(['all', 'ptb', 'wikitext2'])).toEqual([
      ...['ptb', 'wikitext103', 'lm1b', 'lambada', 'ag_news', 'pubmed', 'arxiv', 'wikitext2'],
    ]);
  });

  it.each([
    ['lambda', 'Did you mean lambada?'],
    ['sotu', 'Known: ptb'],
    ['../ptb', 'Known: ptb'],
    ['__proto__', 'Known: ptb'],
  ])('%s is none of them', (name, hint) => {
    expect(() => namesToFetch([name])).toThrow(
      expect.objectContaining({ exitCode: 2, hint: expect.stringContaining(hint) }),
    );
  });
});
