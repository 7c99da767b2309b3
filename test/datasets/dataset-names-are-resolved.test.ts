import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addDataset, listDatasets, verifyDatasets } from '../../src/datasets/catalogue.js';
import { datasetSpecs, parseDatasetSpec, resolveDataset } from '../../src/datasets/resolve-dataset.js';
import { temporaryFolder } from '../support/folder.js';
import { textsOf } from './text-sources.js';

const folder = temporaryFolder();
let made = 0;
const before = { DUO_EVAL_CONFIG: process.env.DUO_EVAL_CONFIG, DUO_EVAL_CACHE: process.env.DUO_EVAL_CACHE };
beforeEach(() => {
  process.env.DUO_EVAL_CONFIG = folder.path(`config${made++}`);
  process.env.DUO_EVAL_CACHE = folder.path('cache');
});
afterEach(() => {
  for (const [variable, value] of Object.entries(before)) {
    if (value === undefined) delete process.env[variable];
    else process.env[variable] = value;
  }
});

describe('what is written after --dataset', () => {
  it.each([
    ['ptb', 'ptb', null],
    ['ptb=data/x.txt', 'ptb', 'data/x.txt'],
    ['mine=a=b.txt', 'mine', 'a=b.txt'],
    ['./a=b.txt', null, './a=b.txt'],
    ['a.jsonl', null, 'a.jsonl'],
    ['folder/a', null, 'folder/a'],
    ['C:\\data\\a', null, 'C:\\data\\a'],
    ['a.csv.gz', null, 'a.csv.gz'],
    ['wikitext-2.v1', 'wikitext-2.v1', null],
  ])('%s', (spec, name, path) => {
    expect(parseDatasetSpec(spec)).toEqual({ name, path });
  });

  it.each([
    ['sotu,moby-dick', ['sotu', 'moby-dick']],
    ['zero-shot', ['ptb', 'wikitext103', 'lm1b', 'lambada', 'ag_news', 'pubmed', 'arxiv']],
    ['lambada, sotu', ['lambada', 'sotu']],
    ['a.txt,b.txt', ['a.txt,b.txt']],
    ['ptb=a,b', ['ptb=a,b']],
    ['shards/a,shards/b', ['shards/a,shards/b']],
  ])('%s names %j', (text, specs) => {
    expect(datasetSpecs(text)).toEqual(specs);
  });

  it("zero-shot is no name for data of one's own", async () => {
    const path = folder.file('own.txt', 'x');
    await expect(addDataset(`zero-shot=${path}`)).rejects.toMatchObject({
      code: 'invalid-dataset-name',
    });
  });

  it('names a path by its file, and takes any name for it', async () => {
    const path = folder.file('stories.v2.txt', 'x');
    expect(await resolveDataset({ spec: path })).toMatchObject({
      name: 'stories.v2',
      split: 'all',
      paths: [path],
    });
    expect(await resolveDataset({ spec: `mine=${path}` })).toMatchObject({ name: 'mine', split: 'all' });
  });

  it('a name nobody knows is a usage error that says which was meant', async () => {
    await expect(resolveDataset({ spec: 'lambda' })).rejects.toMatchObject({
      code: 'unknown-dataset',
      exitCode: 2,
      hint: expect.stringContaining('Did you mean lambada?'),
    });
    for (const spec of ['', 'ptb=']) {
      await expect(resolveDataset({ spec })).rejects.toMatchObject({ exitCode: 2 });
    }
    const misspelt = `ptbb=${folder.file('lines', 'x')}`;
    await expect(resolveDataset({ spec: misspelt })).rejects.toMatchObject({
      hint: expect.stringContaining('Did you mean --dataset ptb='),
    });
  });

  it('one of the seven without a file says how to give it', async () => {
    const failure = await resolveDataset({ spec: 'ptb' }).catch((error) => error);
    expect(failure).toMatchObject({ code: 'dataset-needs-path', exitCode: 4 });
    expect(failure.hint).toContain('--dataset ptb=path');
    expect(failure.hint).toContain('duo-eval datasets add ptb=path');
  });
});

describe('registered data sets', () => {
  it('are found by name, with their column, and are listed', async () => {
    const path = folder.file('stories.jsonl', '{"story":"one"}\n');
    await addDataset(`stories=${path}`, { textColumn: 'story' });
    expect(await textsOf('stories')).toEqual(['one']);
    const ptb = folder.file('ptb.valid.txt', ' a line \n');
    await addDataset(`ptb=${ptb}`);
    expect(await textsOf('ptb')).toEqual(['a line']);
    const listed = await listDatasets();
    expect(listed.find(({ name }) => name === 'ptb')).toMatchObject({
      state: 'registered',
      path: ptb,
      split: 'validation',
    });
    expect(listed.at(-1)).toMatchObject({ name: 'stories', state: 'registered', path });
    expect(listed.find(({ name }) => name === 'lm1b')).toMatchObject({ state: 'needs path', path: null });
    expect(listed[0]).toMatchObject({ name: 'sotu', state: 'embedded' });
  });

  it('are refused once their bytes have changed, and taken again when added again', async () => {
    const path = folder.file('changing.txt', 'one');
    await addDataset(`changing=${path}`);
    expect((await verifyDatasets(['changing', 'sotu'])).map(({ failure }) => failure)).toEqual([null, null]);
    folder.file('changing.txt', 'two');
    await expect(resolveDataset({ spec: 'changing' })).rejects.toMatchObject({
      code: 'dataset-changed',
      exitCode: 4,
      hint: expect.stringContaining('datasets add changing='),
    });
    expect((await verifyDatasets([]))[3]).toMatchObject({
      name: 'changing',
      failure: { code: 'dataset-changed' },
    });
    await addDataset(`changing=${path}`);
    expect(await textsOf('changing')).toEqual(['two']);
  });

  it('cannot take an embedded name, a name that is none, or a file that cannot be read', async () => {
    const path = folder.file('any.txt', 'x');
    for (const spec of [`sotu=${path}`, `Upper=${path}`, path, 'ptb']) {
      await expect(addDataset(spec), spec).rejects.toMatchObject({ exitCode: 2 });
    }
    await expect(addDataset('gone=none.txt')).rejects.toMatchObject({ exitCode: 6 });
    await expect(addDataset(`bad=${folder.file('bad.jsonl', '{')}`)).rejects.toMatchObject({ exitCode: 4 });
    expect((await listDatasets()).filter(({ state }) => state === 'registered')).toEqual([]);
  });

  it('whose entry is broken are a data error that says what to do', async () => {
    const path = folder.file('entry.txt', 'x');
    await addDataset(`entry=${path}`);
    folder.file(`config${made - 1}/datasets/entry.json`, '{"path": 3}');
    await expect(resolveDataset({ spec: 'entry' })).rejects.toMatchObject({
      code: 'broken-registration',
      exitCode: 4,
    });
  });
});
