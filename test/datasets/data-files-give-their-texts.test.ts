import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/folder.js';
import { oracle } from './oracle.js';
import { textsOf } from './text-sources.js';

const folder = temporaryFolder();
const parquet = oracle('parquet-files') as { sentences: string[]; files: Record<string, string> };
const TEXTS = ['first', 'with "quotes", commas\nand lines', '', 'fünf ✓ 😀'];
const jsonl = TEXTS.map((text, i) => `${JSON.stringify({ id: i, text })}\n`).join('');
const csv = `id,text\r\n${TEXTS.map((text, i) => `${i},"${text.replaceAll('"', '""')}"\r\n`).join('')}`;

describe('a data file', () => {
  it.each([
    ['.jsonl', jsonl],
    ['.jsonl with blank lines, CRLF and no final newline', `\n${jsonl.trimEnd().replaceAll('\n', '\r\n\n')}`],
    ['.csv', csv],
    ['.csv with a byte order mark', `\ufeff${csv}`],
    ['.jsonl with a byte order mark', `\ufeff${jsonl}`],
  ])('%s is read text by text, also compressed', async (what, content) => {
    const ending = what.split(' ')[0];
    expect(await textsOf(folder.file(`plain${ending}`, content))).toEqual(TEXTS);
    expect(await textsOf(folder.file(`packed${ending}.gz`, gzipSync(content)))).toEqual(TEXTS);
  });

  it('.txt is one text as it is, but for a byte order mark', async () => {
    const content = ' one\r\ntext \n\n';
    expect(await textsOf(folder.file('a.txt', content))).toEqual([content]);
    expect(await textsOf(folder.file('a.txt.gz', gzipSync(`\ufeff${content}`)))).toEqual([content]);
    expect(await textsOf(folder.file('A.TXT', content))).toEqual([content]);
  });

  it.each(Object.keys(parquet.files))(
    '.parquet compressed by %s is read from the column asked for',
    async (codec) => {
      const bytes = Buffer.from(parquet.files[codec], 'base64');
      expect(await textsOf(folder.file('a.parquet', bytes), 'sentence')).toEqual(parquet.sentences);
      expect(await textsOf(folder.file('a.parquet.gz', gzipSync(bytes)), 'sentence')).toEqual(
        parquet.sentences,
      );
      expect(await textsOf(`ptb=${folder.file('ptb.parquet', bytes)}`)).toEqual(parquet.sentences);
    },
  );

  it('may have its text in another column', async () => {
    const file = folder.file('b.jsonl', '{"story":"one","text":"no"}\n');
    expect(await textsOf(file, 'story')).toEqual(['one']);
    expect(await textsOf(folder.file('b.csv', 'text,story\nno,one\n'), 'story')).toEqual(['one']);
  });

  it('is read whole however its characters and lines fall into chunks', async () => {
    const texts = Array.from({ length: 3_000 }, (_, i) => `${'é😀'.repeat(i % 97)}${i}`);
    const lines = texts.map((text) => JSON.stringify({ text })).join('\n');
    expect(await textsOf(folder.file('long.jsonl', lines))).toEqual(texts);
    expect(
      await textsOf(folder.file('long.csv', `text\n${texts.map((text) => `"${text}"`).join('\n')}`)),
    ).toEqual(texts);
    expect(await textsOf(`ptb=${folder.file('long', texts.join('\n'))}`)).toEqual(texts);
  });
});
