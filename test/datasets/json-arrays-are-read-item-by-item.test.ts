import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { BUDGET } from '../../src/datasets/budget.js';
import { temporaryFolder } from '../support/folder.js';
import { textsOf } from './text-sources.js';

const folder = temporaryFolder();
const read = (content: string, name = 'a.json') => textsOf(folder.file(name, content));
const rows = ['one', 'a "quoted" [text], {with} brackets\\', 'zwei ✓\n', ''].map((text, id) => ({
  id,
  text,
}));
const texts = rows.map(({ text }) => text);

describe('a .json file', () => {
  it.each([
    ['in one line', JSON.stringify(rows)],
    ['printed over lines', JSON.stringify(rows, null, 2)],
    ['behind a byte order mark and blank lines', `\ufeff\n \t\r\n${JSON.stringify(rows)}\n\n`],
    ['with an object a line', rows.map((row) => JSON.stringify(row)).join('\n')],
  ])('%s is read', async (_what, content) => {
    expect(await read(content)).toEqual(texts);
    expect(await textsOf(folder.file('a.json.gz', gzipSync(content)))).toEqual(texts);
  });

  it('is read whole however its items fall into chunks', async () => {
    const many = Array.from({ length: 20_000 }, (_, i) => ({
      text: `${'"é\\'.repeat(i % 50)}${i}`,
      more: [{}],
    }));
    expect(await read(JSON.stringify(many, null, 1))).toEqual(many.map(({ text }) => text));
  });

  it('may be an array of nothing', async () => {
    expect(await read(' [ \n] ')).toEqual([]);
  });

  it.each([
    ['[{"text":"a"},]', /item 2 is not JSON/],
    ['[,{"text":"a"}]', /item 1 is not JSON/],
    ['[{"text":"a"} {"text":"b"}]', /item 1 is not JSON/],
    ['[{"text":"a"},{"text":}]', /item 2 is not JSON/],
    ['[{"text":"a"}', /ends before its array does/],
    ['[{"text":"a}]', /ends before its array does/],
    ['[{"text":"a"}}', /item 1, has a bracket too many/],
    ['[{"text":"a"}] [', /has something after the end of its array/],
    ['["a"]', /item 1 is JSON but not an object/],
    ['[{"txt":"a"}]', /, item 1, has no column "text"; it has txt\./],
    [`[${'['.repeat(BUDGET.jsonDepth)}`, /item 1, is nested too deep/],
    ['{\n"text": "a"\n}', /line 1 is not JSON/],
  ])('%s is refused with its place', async (content, says) => {
    const failure = await read(content).catch((error) => error);
    expect(failure).toMatchObject({ exitCode: 4, hint: expect.any(String) });
    expect(failure.message).toMatch(says);
  });

  it('with one item of more than the budget is refused', async () => {
    const long = `[{"text":"${'a'.repeat(BUDGET.line)}`;
    await expect(read(long)).rejects.toMatchObject({
      code: 'data-too-large',
      message: expect.stringMatching(/item 1, is longer than 32 MiB/),
    });
  });
});
