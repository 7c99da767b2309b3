import { mkdirSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { wholeFile } from '../../src/datasets/byte-stream.js';
import { packDataset } from '../../src/datasets/pack-dataset.js';
import { resolveDataset } from '../../src/datasets/resolve-dataset.js';
import { loadTokenizer } from '../../src/datasets/tokenizer.js';
import { DuoEvalError } from '../../src/errors.js';
import { temporaryFolder } from '../support/folder.js';
import { oracle } from './oracle.js';
import { byteTokenizer } from './small-tokenizer.js';
import { sourceOf, textsOf } from './text-sources.js';

const folder = temporaryFolder();
const parquet = oracle('parquet-files') as { files: Record<string, string>; withNull: string };
const sound = Buffer.from(parquet.files.snappy, 'base64');

const CASES: [what: string, file: string, content: string | Uint8Array, code: string, says: RegExp][] = [
  [
    'a JSON line that is none',
    'a.jsonl',
    '{"text":"a"}\n\n{"text":\n',
    'malformed-json-line',
    /a\.jsonl, line 3 is not JSON/,
  ],
  [
    'a JSON line that is no object',
    'a.jsonl',
    '["text"]\n',
    'malformed-json-line',
    /line 1 is JSON but not an object/,
  ],
  [
    'a JSON line without the column',
    'a.jsonl',
    '{"txt":"a","id":1}\n',
    'missing-column',
    /line 1, has no column "text"; it has txt, id\./,
  ],
  [
    'a JSON text that is a number',
    'a.jsonl',
    '{"text":1}\n',
    'not-text',
    /line 1: "text" should be text but is number/,
  ],
  [
    'a JSON text that is null',
    'a.jsonl',
    '{"text":null}\n',
    'not-text',
    /"text" should be text but is null\./,
  ],
  [
    'a CSV without the column',
    'a.csv',
    'id,body\n1,a\n',
    'missing-column',
    /has no column "text"; it has id, body\./,
  ],
  [
    'a CSV row that is too short',
    'a.csv',
    'id,text\n1,a\n2\n',
    'short-row',
    /row 3 has 1 column where 2 are needed/,
  ],
  [
    'a CSV quote that never closes',
    'a.csv',
    'id,text\n1,"a\n2,b\n',
    'malformed-csv',
    /not a well-formed CSV file: /,
  ],
  ['a CSV quote in the middle', 'a.csv', 'text\na"b\n', 'malformed-csv', /not a well-formed CSV file: /],
  [
    'text that is not UTF-8',
    'a.txt',
    Buffer.from('caf\xe9 x', 'latin1'),
    'invalid-utf8',
    /the byte at offset 3 cannot/,
  ],
  [
    'a line that is not UTF-8',
    'a.jsonl',
    Buffer.from('{"text":"a"}\n{"text":"\xff"}\n', 'latin1'),
    'invalid-utf8',
    /offset 22 /,
  ],
  [
    'a CSV that is not UTF-8',
    'a.csv',
    Buffer.from('text\n\xe9\xe9\n', 'latin1'),
    'invalid-utf8',
    /offset 5 /,
  ],
  [
    'a character cut by the end',
    'a.csv',
    Buffer.from('text\n\xe2\x82', 'latin1'),
    'invalid-utf8',
    /offset 5 /,
  ],
  ['a .gz that is none', 'a.txt.gz', 'plain', 'broken-archive', /not a whole gzip file: /],
  [
    'a .gz that was cut',
    'a.txt.gz',
    gzipSync('x'.repeat(9_999)).subarray(0, 30),
    'broken-archive',
    /not a whole gzip file: /,
  ],
  [
    'a Parquet file that is none',
    'a.parquet',
    'PAR1 but not really',
    'broken-parquet',
    /not a sound Parquet file: /,
  ],
  ['an empty Parquet file', 'a.parquet', '', 'broken-parquet', /it is too short/],
  [
    'a Parquet file without the column',
    'a.parquet',
    sound,
    'missing-column',
    /it has id, sentence, score, tags\./,
  ],
  [
    'a Parquet row without text',
    'a.parquet',
    Buffer.from(parquet.withNull, 'base64'),
    'not-text',
    /row 2: "text" should be text/,
  ],
  ['an ending that says nothing', 'a.tokens', 'x', 'unknown-data-form', /does not say what it holds/],
];

describe('bad data', () => {
  it.each(CASES)('%s', async (_what, name, content, code, says) => {
    const path = folder.file(name, content);
    const failure = await textsOf(path).catch((error) => error);
    expect(failure).toMatchObject({ code, exitCode: 4 });
    expect(failure.message).toContain(path);
    expect(failure.message).toMatch(says);
    expect(failure.message).toMatch(/[^.]\.$/);
    expect(failure.hint).toBeTruthy();
  });

  it('in a Parquet file is found, or does no harm, wherever a byte is wrong', async () => {
    for (let place = 0; place < sound.length; place += 3) {
      const altered = Buffer.from(sound);
      altered[place] ^= 0x55;
      const outcome = await textsOf(folder.file('altered.parquet', altered), 'sentence').catch(
        (error) => error,
      );
      const fine = Array.isArray(outcome) || outcome instanceof DuoEvalError;
      expect(fine, `byte ${place}: ${outcome}`).toBe(true);
    }
  });

  it('in a Parquet file that lost its beginning', async () => {
    const path = folder.file('cut.parquet', sound.subarray(700));
    await expect(textsOf(path, 'sentence')).rejects.toMatchObject({ code: 'broken-parquet', exitCode: 4 });
  });

  it('for ag_news and the papers too', async () => {
    const two = folder.file('two.csv', '"1","only a title"\n');
    await expect(textsOf(`ag_news=${two}`)).rejects.toThrow(/row 1 has 2 columns where 3 are needed/);
    const paper = folder.file('val.txt', '{"article_text":"not a list"}\n');
    await expect(textsOf(`arxiv=${paper}`)).rejects.toThrow(/line 1: "article_text" should be an array/);
    const other = folder.file('val2.txt', '{"text":"a"}\n');
    await expect(textsOf(`arxiv=${other}`)).rejects.toThrow(/no column "article_text"; it has text\./);
  });

  it('a small archive of endless zeros is refused before it fills the memory', async () => {
    const bomb = folder.file('bomb.txt.gz', gzipSync(Buffer.alloc(40 * 2 ** 20)));
    await expect(wholeFile(bomb, 2 ** 20)).rejects.toMatchObject({
      code: 'data-too-large',
      message: expect.stringContaining('more than 1 MiB'),
    });
  });

  it('a file that is missing is a file error', async () => {
    await expect(textsOf(folder.path('none.txt'))).rejects.toMatchObject({
      code: 'no-such-file',
      exitCode: 6,
    });
  });

  it('a folder without data files is told so', async () => {
    mkdirSync(folder.path('folder.txt'));
    await expect(textsOf(folder.path('folder.txt'))).rejects.toMatchObject({
      code: 'no-data-files',
      exitCode: 4,
    });
  });

  it('that changes while it is read is refused', async () => {
    const source = await resolveDataset({ spec: folder.file('moving.jsonl', '{"text":"a"}\n') });
    folder.file('moving.jsonl', '{"text":"a"}\n{"text":"b"}\n');
    const read = async () => {
      for await (const _text of source.texts());
    };
    await expect(read()).rejects.toMatchObject({ code: 'dataset-changed', exitCode: 4 });
  });
});

describe('too little data', () => {
  const pack = async (texts: string[], length = 100) => {
    const tokenizer = await loadTokenizer(byteTokenizer(folder.path('bytes')));
    return packDataset({
      source: sourceOf(texts),
      tokenizer,
      length,
      protocol: 'duo',
      cacheFolder: folder.path('cache'),
    });
  };

  it('is an error that says how little', async () => {
    await expect(pack([])).rejects.toMatchObject({
      code: 'empty-dataset',
      message: expect.stringMatching(/no texts/),
    });
    await expect(pack(['', ''])).rejects.toMatchObject({
      code: 'empty-dataset',
      message: expect.stringMatching(/its texts have no tokens/),
    });
    await expect(pack(['short'])).rejects.toMatchObject({
      code: 'too-few-tokens',
      exitCode: 4,
      message: expect.stringMatching(/has 5 tokens, too few for one sequence of 100\./),
    });
    await expect(pack(Array(1_500).fill('x'), 1_400)).rejects.toThrow(/in any group of 1,000 texts/);
  });
});
