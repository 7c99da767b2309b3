import { truncateSync } from 'node:fs';
import { expect, it } from 'vitest';
import { resolveDataset } from '../../src/datasets/resolve-dataset.js';
import { temporaryFolder } from '../support/folder.js';
import { textsOf } from './text-sources.js';

const folder = temporaryFolder();

/** A terabyte of zeros after `head`, of which the disk holds nothing: to hash it takes half an hour. */
function terabyte(name: string, head: string): string {
  const path = folder.file(name, head);
  truncateSync(path, 2 ** 40);
  return path;
}

it.each([
  ['data.txt', 'a text', 'data-too-large'],
  ['data.txt.gz', 'a text', 'broken-archive'],
  ['data.csv', 'text\na\n', 'malformed-csv'],
  ['data.csv.gz', 'text\na\n', 'broken-archive'],
  ['data.tsv', 'text\ta\n', 'malformed-csv'],
  ['data.jsonl', '', 'data-too-large'],
  ['data.json', '[{"text":"', 'data-too-large'],
  ['data.parquet', 'PAR1', 'broken-parquet'],
])('a terabyte in place of %s is refused in a moment', async (name, head, code) => {
  await expect(resolveDataset({ spec: terabyte(name, head) })).rejects.toMatchObject({ code, exitCode: 4 });
});

it('a terabyte of a known data set is refused in a moment too', async () => {
  const path = terabyte('ptb.valid.txt', 'a line\n');
  await expect(resolveDataset({ spec: `lambada=${path}` })).rejects.toMatchObject({ exitCode: 4 });
});

it('a large table is read from its beginning all the same', async () => {
  const texts = new Array(70).fill('a'.repeat(2 ** 20));
  const file = folder.file('large.jsonl', texts.map((text) => `${JSON.stringify({ text })}\n`).join(''));
  expect((await textsOf(file)).length).toBe(texts.length);
});
