import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { parquetFile } from '../../fuzz/parquet-file.mjs';
import { addDataset, verifyDatasets } from '../../src/datasets/catalogue.js';
import { resolveDataset } from '../../src/datasets/resolve-dataset.js';
import { datasetOf } from '../../src/evals/suite/named-files.js';
import { temporaryFolder } from '../support/folder.js';
import { textsOf } from './text-sources.js';

const folder = temporaryFolder();
const line = (text: string) => `${JSON.stringify({ text })}\n`;
let made = 0;
let place = '';

/** A folder of files. */
function files(contents: Record<string, string | Uint8Array>): string {
  place = folder.path(`place${made++}`);
  mkdirSync(place);
  for (const [name, content] of Object.entries(contents))
    folder.file(join(place.slice(folder.path().length + 1), name), content);
  return place;
}

beforeEach(() => {
  process.env.DUO_EVAL_CONFIG = folder.path(`config${made}`);
});

describe('several files', () => {
  it('are read in the order of their names, however they are given', async () => {
    const at = files({ 'b.jsonl': line('two'), 'a.jsonl': line('one'), 'c.jsonl': line('three') });
    const texts = ['one', 'two', 'three'];
    expect(await textsOf(at)).toEqual(texts);
    expect(await textsOf(`mine=${at}/`)).toEqual(texts);
    expect(await textsOf(join(at, '*.jsonl'))).toEqual(texts);
    expect(await textsOf(['c', 'a', 'b'].map((name) => join(at, `${name}.jsonl`)).join(','))).toEqual(texts);
    expect(await textsOf(join(at, '[ab].jsonl'))).toEqual(['one', 'two']);
  });

  it('are named by the SHA-256 of their bytes in order', async () => {
    const at = files({ 'a.jsonl': line('one'), 'b.jsonl': line('two') });
    const same = files({ '1.jsonl': line('one'), '2.jsonl': line('two') });
    const other = files({ 'a.jsonl': line('two'), 'b.jsonl': line('one') });
    const digest = async (spec: string) => (await resolveDataset({ spec })).sourceSha256;
    expect(await digest(at)).toMatch(/^[0-9a-f]{64}$/);
    expect(await digest(same)).toBe(await digest(at));
    expect(await digest(other)).not.toBe(await digest(at));
    expect(await digest(join(at, 'a.jsonl'))).not.toBe(await digest(at));
  });

  it('are called after what their names share', async () => {
    const at = files({ 'test-1.jsonl': line('one'), 'test-2.jsonl': line('two') });
    const name = async (spec: string) => (await resolveDataset({ spec })).name;
    expect(await name(join(at, 'test-*'))).toBe('test');
    expect(await name(join(at, '*.jsonl'))).toBe(`place${made - 1}`);
    expect(await name(`${join(at, 'test-1.jsonl')},${join(at, 'test-2.jsonl')}`)).toBe('test');
    expect(await name(at)).toBe(`place${made - 1}`);
  });

  it('may be texts of one file each, of which each is a document', async () => {
    const at = files({ 'a.txt': 'one', 'b.txt': 'two', '.hidden.txt': 'no', 'notes.md': 'no' });
    const source = await resolveDataset({ spec: at });
    expect(await textsOf(at)).toEqual(['one', 'two']);
    expect(source.beginsDocument?.('two')).toBe(true);
  });

  it('are read as the protocol says under a name of the seven', async () => {
    const at = files({ 'a.txt': ' first \n', 'b.txt': ' second \n' });
    expect(await textsOf(`ptb=${at}`)).toEqual(['first', 'second']);
  });

  it('are registered together, and refused once one has changed', async () => {
    const at = files({ 'a.jsonl': line('one'), 'b.jsonl': line('two') });
    await addDataset(`both=${join(at, '*.jsonl')}`);
    await addDataset(`list=${join(at, 'a.jsonl')},${join(at, 'b.jsonl')}`);
    expect(await textsOf('both')).toEqual(['one', 'two']);
    expect(await textsOf('list')).toEqual(['one', 'two']);
    expect((await verifyDatasets(['both', 'list'])).map(({ failure }) => failure)).toEqual([null, null]);
    folder.file(join(`place${made - 1}`, 'b.jsonl'), line('three'));
    await expect(resolveDataset({ spec: 'both' })).rejects.toMatchObject({ code: 'dataset-changed' });
    expect((await verifyDatasets(['list']))[0].failure).toMatchObject({ code: 'dataset-changed' });
  });

  it('may be named in a suite, relative to it', () => {
    expect(datasetOf('parts/test-*.jsonl', 'suite')).toEqual({
      name: 'test',
      spec: `test=${join('suite', 'parts/test-*.jsonl')}`,
    });
    expect(datasetOf({ name: 'mine', path: 'a.jsonl,b.jsonl', skipNull: true }, 'suite')).toMatchObject({
      spec: `mine=${join('suite', 'a.jsonl')},${join('suite', 'b.jsonl')}`,
      skipNull: true,
    });
  });
});

describe('files that are no whole', () => {
  it.each([
    [
      { 'train.jsonl': line('a'), 'validation.jsonl': line('b') },
      'several-splits',
      /splits: train, validation\./,
    ],
    [{ 'a.jsonl': line('a'), 'b.txt': 'b' }, 'several-forms', /several forms: \.jsonl, \.txt\./],
    [
      { 'test-00000-of-00003.jsonl': line('a'), 'test-00002-of-00003.jsonl': line('b') },
      'parts-missing',
      /holds 2 of the 3 parts test-\*-of-00003\./,
    ],
    [{ 'notes.md': 'a' }, 'no-data-files', /holds no data file\./],
  ])('%o', async (contents, code, says) => {
    const failure = await textsOf(files(contents as Record<string, string>)).catch((error) => error);
    expect(failure).toMatchObject({ code, exitCode: 4, hint: expect.any(String) });
    expect(failure.message).toMatch(says);
  });

  it('may be taken all the same when each is named', async () => {
    const at = files({ 'train.jsonl': line('a'), 'test-00000-of-00002.jsonl': line('b') });
    const named = `${join(at, 'train.jsonl')},${join(at, 'test-00000-of-00002.jsonl')}`;
    expect(await textsOf(named)).toEqual(['b', 'a']);
  });

  it('are refused where one is missing, given twice, or of another form', async () => {
    const at = files({ 'a.jsonl': line('a'), 'b.csv': 'text\nb\n' });
    const a = join(at, 'a.jsonl');
    const refused = (spec: string) => textsOf(spec).catch(({ code }) => code);
    expect(await refused(`${a},${join(at, 'none.jsonl')}`)).toBe('no-such-file');
    expect(await refused(join(at, 'none*'))).toBe('no-such-file');
    expect(await refused(`${a},${a}`)).toBe('part-given-twice');
    expect(await refused(`${a},${join(at, 'b.csv')}`)).toBe('several-forms');
  });
});

describe('a path', () => {
  it('with a comma, a bracket or a star in the name of a file is that file', async () => {
    const at = files({ 'a,b.jsonl': line('comma'), 'a[1].jsonl': line('bracket'), 'a*.jsonl': line('star') });
    expect(await textsOf(join(at, 'a,b.jsonl'))).toEqual(['comma']);
    expect(await textsOf(join(at, 'a[1].jsonl'))).toEqual(['bracket']);
    expect(await textsOf(join(at, 'a*.jsonl'))).toEqual(['star']);
  });

  it('whose name is not UTF-8 is told so', async () => {
    const at = files({ 'a.jsonl': line('a') });
    await expect(textsOf(join(at, 'caf\ufffd.jsonl'))).rejects.toMatchObject({
      code: 'unreadable-name',
      exitCode: 6,
      hint: expect.stringContaining('a link to it'),
    });
  });
});

describe('Parquet parts', () => {
  it('may be empty', async () => {
    const at = files({
      'test-00000-of-00002.parquet': parquetFile({ texts: [] }),
      'test-00001-of-00002.parquet': parquetFile({ texts: ['one', 'two'] }),
    });
    expect(await textsOf(at)).toEqual(['one', 'two']);
  });
});

describe.skipIf(process.platform !== 'linux')('a folder (on Linux, where names are bytes)', () => {
  it('with a data file whose name is not UTF-8 is not read without it', async () => {
    const at = files({ 'a.jsonl': line('a') });
    writeFileSync(
      Buffer.concat([Buffer.from(`${at}/caf`), Buffer.from([0xe9]), Buffer.from('.jsonl')]),
      line('b'),
    );
    await expect(textsOf(at)).rejects.toMatchObject({ code: 'unreadable-name', exitCode: 6 });
    await expect(textsOf(join(at, '*.jsonl'))).rejects.toMatchObject({ code: 'unreadable-name' });
  });
});
