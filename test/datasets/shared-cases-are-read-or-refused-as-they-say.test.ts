import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { packDataset } from '../../src/datasets/pack-dataset.js';
import { resolveDataset } from '../../src/datasets/resolve-dataset.js';
import { loadTokenizer } from '../../src/datasets/tokenizer.js';
import { temporaryFolder } from '../support/folder.js';
import { shared } from './shared-data.js';
import { byteTokenizer } from './small-tokenizer.js';
import { textsOf } from './text-sources.js';

const folder = temporaryFolder();
const cases = (name: string) => shared(`cases/data/${name}`);
const areMissing = !existsSync(cases('.'));
const REASON = areMissing ? ' (skipped: no ../shared/cases beside the project)' : '';
const DOCUMENTS = Array.from(
  { length: 40 },
  (_, i) => `Doc ${i}: the quick brown fox counted ${7 * i} berries before noon.`,
);

describe.skipIf(areMissing)(`of the shared cases${REASON}`, () => {
  it.each(['array.json', 'data.tsv', 'empty-rg-mid.parquet', 'parts/test-*.parquet'])(
    '%s gives its 40 texts',
    async (name) => {
      expect(await textsOf(cases(name))).toEqual(DOCUMENTS);
    },
  );

  it('utf16.txt is read as UTF-16', async () => {
    const [text, ...others] = await textsOf(cases('utf16.txt'));
    expect(others).toEqual([]);
    expect(text.trimEnd().split('\n')).toEqual(DOCUMENTS);
  });

  it('nullable.parquet names its row without text, and gives the others when asked', async () => {
    await expect(textsOf(cases('nullable.parquet'))).rejects.toMatchObject({
      code: 'not-text',
      message: expect.stringMatching(/row 21: "text" should be text but is null\.$/),
      hint: expect.stringContaining('--skip-null'),
    });
    const source = await resolveDataset({ spec: cases('nullable.parquet'), skipNull: true });
    const texts: string[] = [];
    for await (const text of source.texts()) texts.push(text);
    expect(texts).toEqual(DOCUMENTS);
    expect(source.skippedRows?.()).toBe(1);
  });

  it('empty.parquet is said to be empty', async () => {
    const pack = packDataset({
      source: await resolveDataset({ spec: cases('empty.parquet') }),
      tokenizer: await loadTokenizer(byteTokenizer(folder.path('bytes'))),
      length: 16,
      protocol: 'strict',
      cacheFolder: folder.path('cache'),
    });
    await expect(pack).rejects.toMatchObject({
      code: 'empty-dataset',
      message: expect.stringMatching(/empty\.parquet\) is empty: no texts\.$/),
    });
  });

  it('parts, which holds two splits, is no data set', async () => {
    await expect(textsOf(cases('parts'))).rejects.toMatchObject({
      code: 'several-splits',
      message: expect.stringMatching(/holds files of several splits: test, train\.$/),
      hint: expect.stringMatching(/parts\/\*test\*'/),
    });
  });
});
