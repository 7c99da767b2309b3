import { DuckDBInstance } from '@duckdb/node-api';
import { beforeAll, describe, expect, it } from 'vitest';
import { parquetFile } from '../../fuzz/parquet-file.mjs';
import { resolveDataset } from '../../src/datasets/resolve-dataset.js';
import { temporaryFolder } from '../support/folder.js';
import { textsOf } from './text-sources.js';

const folder = temporaryFolder();

async function read(spec: string, textColumn?: string, skipNull = true) {
  const source = await resolveDataset({ spec, textColumn, skipNull });
  const texts: string[] = [];
  for await (const text of source.texts()) texts.push(text);
  return { texts, skipped: source.skippedRows?.() };
}

/** Rows of structs, as another program writes them to Parquet. */
const nested = folder.path('nested.parquet');
beforeAll(async () => {
  const connection = await (await DuckDBInstance.create()).connect();
  await connection.run(`copy (select * from (values
      ({'body': {'text': 'one'}, 'tags': ['a', 'b']}, 'top', 1),
      ({'body': null, 'tags': []}, 'top', 2),
      (null, 'top', 3),
      ({'body': {'text': null}, 'tags': ['c']}, 'top', 4),
      ({'body': {'text': 'two'}, 'tags': null}, 'top', 5)
    ) as rows(doc, "doc.title", number)) to '${nested}' (format parquet)`);
  connection.closeSync();
});

describe('a field inside a struct', () => {
  it('of Parquet is read by its path, and is null where a struct around it is', async () => {
    expect(await read(nested, 'doc.body.text')).toEqual({ texts: ['one', 'two'], skipped: 3 });
    await expect(textsOf(nested, 'doc.body.text')).rejects.toThrow(/row 2: "doc\.body\.text" .* is null/);
    expect((await read(nested, 'doc.title')).texts).toEqual(new Array(5).fill('top'));
  });

  it('of Parquet is named where the struct, a list or nothing was asked for', async () => {
    await expect(textsOf(nested, 'doc')).rejects.toMatchObject({
      code: 'not-text',
      message: expect.stringMatching(/"doc" should be text but is a struct\.$/),
      hint: 'Choose one of its fields: --text-column doc.body, doc.tags.',
    });
    await expect(textsOf(nested, 'doc.tags')).rejects.toThrow(/"doc\.tags" should be text but is an array/);
    await expect(textsOf(nested, 'doc.text')).rejects.toThrow(
      /it has doc\.body\.text, doc\.tags, doc\.title, number\.$/,
    );
  });

  it('of JSON is read by its path', async () => {
    const rows = [{ a: { b: 'one' } }, { a: { b: null } }, { a: null }, { a: { b: 'two' }, 'a.b': 'three' }];
    const content = rows.map((row) => JSON.stringify(row)).join('\n');
    expect(await read(folder.file('a.jsonl', content), 'a.b')).toEqual({
      texts: ['one', 'three'],
      skipped: 2,
    });
    const struct = textsOf(folder.file('b.jsonl', '{"text":{"en":"a","fr":"b"}}'));
    await expect(struct).rejects.toMatchObject({
      message: expect.stringMatching(/line 1: "text" should be text but is a struct\.$/),
      hint: 'Choose one of its fields: --text-column text.en, text.fr.',
    });
    await expect(textsOf(folder.file('c.jsonl', '{"a":{"c":"x"}}'), 'a.b')).rejects.toThrow(/it has a\.c\.$/);
  });
});

describe('rows whose text is null', () => {
  it.each([
    ['.jsonl', '{"text":"a"}\n{"text":null}\n{"text":"b"}\n{"text":null}\n'],
    ['.json', '[{"text":"a"},{"text":null},{"text":"b"},{"text":null}]'],
    ['.parquet', parquetFile({ texts: ['a', null, 'b', null] })],
  ])('of %s are passed over when asked, and counted anew each time', async (ending, content) => {
    const file = folder.file(`nulls${ending}`, content);
    await expect(textsOf(file)).rejects.toThrow(/(line|item|row) 2: "text" should be text but is null/);
    const source = await resolveDataset({ spec: file, skipNull: true });
    for (let time = 0; time < 2; time++) {
      const texts: string[] = [];
      for await (const text of source.texts()) texts.push(text);
      expect(texts).toEqual(['a', 'b']);
      expect(source.skippedRows?.()).toBe(2);
    }
    expect(source.reading).toMatch(/:skip-null$/);
  });
});

describe('a table with tabs', () => {
  it('is read as one with commas is', async () => {
    const content = 'id\ttext\n1\tplain, with a comma\n2\t"quoted\twith ""tab"""\n';
    expect(await textsOf(folder.file('a.tsv', content))).toEqual([
      'plain, with a comma',
      'quoted\twith "tab"',
    ]);
    await expect(textsOf(folder.file('b.tsv', 'id,text\n1,a\n'))).rejects.toMatchObject({
      code: 'missing-column',
    });
    await expect(textsOf(folder.file('c.tsv', 'text\n"a\n'))).rejects.toThrow(/not a well-formed TSV file/);
  });

  it('is found by its name alone', async () => {
    const before = process.cwd();
    folder.file('plain.tsv', 'text\na\n');
    folder.file('noending', 'a\n');
    try {
      process.chdir(folder.path());
      expect(await textsOf('plain.tsv')).toEqual(['a']);
      await expect(textsOf('noending')).rejects.toMatchObject({ code: 'unknown-data-form' });
      await expect(textsOf('nothing')).rejects.toMatchObject({ code: 'unknown-dataset' });
    } finally {
      process.chdir(before);
    }
  });
});
