import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { jsonLinesBombs, unfoldingBombs } from '../../fuzz/bombs.mjs';
import { parquetFile } from '../../fuzz/parquet-file.mjs';
import { BUDGET } from '../../src/datasets/budget.js';
import { resolveDataset } from '../../src/datasets/resolve-dataset.js';
import { temporaryFolder } from '../support/folder.js';
import { textsOf } from './text-sources.js';

const folder = temporaryFolder();

/** Texts that are read before it ends, and how it ends. */
async function reading(spec: string, skipNull = false) {
  let texts = 0;
  const read = async () => {
    for await (const _text of (await resolveDataset({ spec, skipNull })).texts()) texts++;
  };
  const end = await read().then(
    () => null,
    (error) => error,
  );
  return { texts, end };
}

it.each(Object.keys(unfoldingBombs))('%s are refused before any text is made of them', async (how) => {
  const [name, bytes] = unfoldingBombs[how];
  const file = folder.file(name, bytes());
  expect(readFileSync(file).length).toBeLessThan(2 ** 15);
  const { texts, end } = await reading(file, true);
  expect(end).toMatchObject({
    code: 'data-unfolds-too-far',
    exitCode: 4,
    message: expect.stringMatching(/unfolds\.parquet has \d+ bytes and unfolds to more than \d+: /),
  });
  expect(texts).toBe(0);
});

it('a Parquet file may say the same often, within its budget', async () => {
  const texts = new Array(5_000).fill('a sentence that stands there again and again');
  const file = folder.file('again.parquet', parquetFile({ texts, encoding: 'dictionary' }));
  expect(await textsOf(file)).toEqual(texts);
});

it('endless empty texts are refused after a million', async () => {
  const file = folder.file('blank.txt', Buffer.alloc(3_000_000, '\n'));
  const { texts, end } = await reading(`ptb=${file}`);
  expect(end).toMatchObject({
    code: 'empty-texts',
    exitCode: 4,
    message: 'The data set "ptb" has more than 1,000,000 empty texts one after another.',
  });
  expect(texts).toBe(BUDGET.emptyTexts);
});

it('endless blank lines of JSON are refused after a million', async () => {
  const [name, bytes] = jsonLinesBombs['millions of blank lines'];
  const { end } = await reading(folder.file(name, bytes()));
  expect(end).toMatchObject({
    code: 'empty-texts',
    message: expect.stringMatching(/blank\.jsonl\.gz has more than 1,000,000 blank lines/),
  });
});

it('an archive that unfolds without end is refused', async () => {
  const member = gzipSync(`{"text":"${'a'.repeat(2 ** 10)}"}\n`.repeat(2 ** 14));
  const { end } = await reading(folder.file('same.jsonl.gz', Buffer.concat(new Array(4).fill(member))));
  expect(end).toMatchObject({ code: 'data-unfolds-too-far', hint: expect.stringMatching(/unpack it first/) });
});
