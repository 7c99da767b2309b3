import { describe, expect, it } from 'vitest';
import { csvBombs, jsonLinesBombs } from '../../fuzz/bombs.mjs';
import { temporaryFolder } from '../support/folder.js';
import { textsOf } from './text-sources.js';

const folder = temporaryFolder();

describe('a small archive', () => {
  it.each([
    ['a gigabyte in one field', csvBombs, 'data-too-large', /has a (line|row) of more than \d+ MiB/],
    ['a gigabyte of header', csvBombs, 'data-too-large', /has a line of more than 32 MiB/],
    ['a gigabyte of commas', csvBombs, 'data-too-large', /has a line with more than 1,048,576 commas/],
    ['a gigabyte in one line', jsonLinesBombs, 'data-too-large', /has a line longer than 32 MiB/],
    ['endless numbers', jsonLinesBombs, 'data-too-large', /has a line longer than 32 MiB/],
  ] as const)('of %s ends in a sentence', async (how, bombs, code, says) => {
    const [name, bytes] = bombs[how];
    const failure = await textsOf(folder.file(name, bytes())).catch((error) => error);
    expect(failure).toMatchObject({ code, exitCode: 4 });
    expect(failure.message).toMatch(says);
  });
});

describe('a line of JSON', () => {
  it('of more than a MiB is looked over for brackets', async () => {
    const long = 'a\\\\" [[['.repeat(2 ** 18);
    const line = `{"text":"\\"${long.replaceAll('"', '\\"')}","more":[[1,2],{"a":"\\\\"}]}`;
    expect(await textsOf(folder.file('long.jsonl', line))).toEqual([JSON.parse(line).text]);
    const deep = `{"text":"a","more":${'['.repeat(2 ** 20)}`;
    const failure = textsOf(folder.file('deep.jsonl', deep));
    await expect(failure).rejects.toMatchObject({ code: 'malformed-json-line' });
    const open = textsOf(folder.file('open.jsonl', `{"text":"${'a'.repeat(2 ** 20)}`));
    await expect(open).rejects.toMatchObject({ code: 'malformed-json-line' });
  });

  it('with very many columns is told in few words', async () => {
    const columns = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`column ${i}`, 1]));
    const failure = await textsOf(folder.file('wide.jsonl', JSON.stringify(columns))).catch((error) => error);
    expect(failure.message).toMatch(/column 19 and 9980 more\.$/);
  });
});

describe('a row of a CSV file', () => {
  it('ends with CR, LF or both', async () => {
    expect(await textsOf(folder.file('ends.csv', 'text\r\na\nb\rc\r\n"d\r\ne"\n'))).toEqual([
      'a',
      'b',
      'c',
      'd\r\ne',
    ]);
  });

  it('with a NUL is refused, which the parser would take for the end after a quote', async () => {
    const failure = textsOf(folder.file('nul.csv', 'text\n"a"\0\0b\n'));
    await expect(failure).rejects.toMatchObject({
      code: 'malformed-csv',
      message: expect.stringMatching(/the byte at offset 8 is NUL\.$/),
    });
  });

  it('of another length than the first costs no more than others', async () => {
    const processorTime = async (name: string, row: string) => {
      const file = folder.file(name, `text,more\n${row.repeat(2e5)}`);
      const before = process.cpuUsage();
      expect(await textsOf(file)).toEqual(new Array(2e5).fill('a'));
      return process.cpuUsage(before).user;
    };
    const even = await processorTime('even.csv', 'a,b\n');
    // An error with a copy of the row for each took twenty times as long.
    expect(await processorTime('long-rows.csv', 'a,b,c\n')).toBeLessThan(6 * even);
    expect(await processorTime('short-rows.csv', 'a\n')).toBeLessThan(6 * even);
  });

  it('may be long, but not without end', async () => {
    const paragraph = `${'word '.repeat(2 ** 12)}\n`;
    const text = paragraph.repeat(70);
    expect(await textsOf(folder.file('long.csv', `text\n"${text}"\n`))).toEqual([text]);
  });
});
