import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/folder.js';
import { textsOf } from './text-sources.js';

const folder = temporaryFolder();
const le = (text: string, mark = '\ufeff') => Buffer.from(mark + text, 'utf16le');
const be = (text: string, mark = '\ufeff') => le(text, mark).swap16();
const refused = (name: string, content: Uint8Array) =>
  textsOf(folder.file(name, content)).catch((error) => error);

describe('text with the mark of UTF-16', () => {
  const text = 'Ein Käse ✓, 😀 und\n\ttabs';

  it.each([
    ['low byte first', le],
    ['high byte first', be],
  ])('is read, %s', async (_what, encode) => {
    expect(await textsOf(folder.file('a.txt', encode(text)))).toEqual([text]);
    expect(await textsOf(folder.file('a.txt.gz', gzipSync(encode(text))))).toEqual([text]);
    const rows = [{ text }, { text: 'two' }];
    const lines = rows.map((row) => JSON.stringify(row)).join('\r\n');
    expect(await textsOf(folder.file('a.jsonl', encode(lines)))).toEqual([text, 'two']);
    expect(await textsOf(folder.file('a.json', encode(JSON.stringify(rows))))).toEqual([text, 'two']);
    expect(await textsOf(folder.file('a.csv', encode(`id,text\n1,"${text}"\n`)))).toEqual([text]);
    expect(await textsOf(`ptb=${folder.file('ptb', encode(' one \n two '))}`)).toEqual(['one', 'two']);
  });

  it('is read whole where pairs fall between two chunks', async () => {
    for (const before of ['', 'a']) {
      const long = before + '😀é'.repeat(150_000);
      expect(await textsOf(folder.file('long.txt', le(long)))).toEqual([long]);
    }
  });

  it.each([
    ['half a pair', Buffer.concat([le('a'), Buffer.from([0x3d, 0xd8, 0x61, 0])])],
    ['half a pair at its end', Buffer.concat([le('a'), Buffer.from([0x3d, 0xd8])])],
    ['half a unit at its end', Buffer.concat([le('a'), Buffer.from([0x61])])],
  ])('is refused for %s', async (_what, content) => {
    expect(await refused('broken.txt', content)).toMatchObject({
      code: 'invalid-utf16',
      exitCode: 4,
      message: expect.stringMatching(/not sound UTF-16/),
    });
  });
});

describe('text in an encoding that is not read', () => {
  it.each([
    ['UTF-16LE text without a byte order mark', le('A plain text.', ''), 'iconv -f utf-16le -t utf-8'],
    ['UTF-16BE text without a byte order mark', be('A plain “text”.', ''), 'iconv -f utf-16be -t utf-8'],
    ['UTF-32 text', Buffer.from([0xff, 0xfe, 0, 0, 0x61, 0, 0, 0]), 'iconv -f utf-32 -t utf-8'],
  ])('%s is named', async (what, content, hint) => {
    const failure = await refused('a.txt', content);
    expect(failure).toMatchObject({ code: 'unread-encoding', exitCode: 4 });
    expect(failure.message).toContain(`is ${what}, which is not read.`);
    expect(failure.hint).toContain(hint);
  });

  it('is not guessed', async () => {
    const failure = await refused('a.txt', Buffer.from('caf\xe9', 'latin1'));
    expect(failure.hint).not.toMatch(/latin1/);
    expect(failure.hint).toMatch(/Find out which encoding/);
  });

  it('a NUL or two are text', async () => {
    expect(await textsOf(folder.file('nul.txt', 'a\0b\0 and more text'))).toEqual(['a\0b\0 and more text']);
  });
});

describe('a Git LFS pointer', () => {
  const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n';

  it.each(['a.txt', 'a.jsonl', 'a.json', 'a.csv', 'a.parquet'])(
    'in the place of %s is named',
    async (name) => {
      expect(await refused(name, Buffer.from(pointer))).toMatchObject({
        code: 'git-lfs-pointer',
        message: expect.stringMatching(/Git LFS pointer/),
        hint: expect.stringMatching(/git lfs pull/),
      });
    },
  );
});
