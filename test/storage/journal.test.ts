import { appendFileSync, existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { FileError } from '../../src/errors.js';
import { newJournal, readJournal } from '../../src/storage/journal.js';
import { temporaryFolder } from '../support/folder.js';

interface Entry {
  sequence: number;
  nats: number;
}
const header = { key: 'abc', settings: { seed: 1, draws: 4 } };
let folder: string;
let path: string;
beforeEach(() => {
  folder = temporaryFolder().root;
  path = join(folder, 'cache', 'run.jsonl');
});

function journalOf(count: number): void {
  const journal = newJournal<Entry>(path, header);
  for (let sequence = 0; sequence < count; sequence++) journal.append({ sequence, nats: sequence / 3 });
  journal.close();
}

function entriesIn(of = header): object[] {
  const entries: object[] = [];
  readJournal(path, of, (entry) => entries.push(entry));
  return entries;
}

describe('a journal', () => {
  it('gives a reader what its writer appended, to the bit', () => {
    journalOf(3);
    const entries = [0, 1, 2].map((sequence) => ({ sequence, nats: sequence / 3 }));
    expect(entriesIn()).toEqual(entries);
    expect(entriesIn({ settings: { draws: 4, seed: 1 }, key: 'abc' })).toEqual(entries);
  });

  it('is on disk as soon as a line is appended, and there is none without a line', () => {
    const journal = newJournal<Entry>(path, header);
    expect(existsSync(path)).toBe(false);
    journal.append({ sequence: 0, nats: 0.5 });
    expect(readFileSync(path, 'utf8').trimEnd().split('\n')).toHaveLength(2);
    expect(entriesIn()).toHaveLength(1);
    journal.close();
  });

  it('has one writer', () => {
    journalOf(2);
    expect(() => journalOf(1)).toThrow(FileError);
    expect(entriesIn()).toHaveLength(2);
  });

  it('loses a last line torn at any byte, and no other', () => {
    journalOf(2);
    const whole = readFileSync(path);
    const lastLine = whole.lastIndexOf('\n', whole.length - 2) + 1;
    for (let length = lastLine; length < whole.length; length++) {
      writeFileSync(path, whole);
      truncateSync(path, length);
      expect(entriesIn()).toEqual([{ sequence: 0, nats: 0 }]);
    }
    truncateSync(path, 5);
    expect(entriesIn()).toEqual([]);
  });

  it('of other work holds nothing for this one', () => {
    journalOf(2);
    expect(entriesIn({ ...header, key: 'xyz' })).toEqual([]);
  });

  it.each([
    ['altered', ([head, a, b, c]: string[]) => [head, a, b.replace('1', '7'), c]],
    ['moved', ([head, a, b, c]: string[]) => [head, a, c, b]],
    ['doubled', ([head, a, b, c]: string[]) => [head, a, a, b, c]],
    ['lost', ([head, a, , c]: string[]) => [head, a, c]],
    ['without its checksum', ([head, a, , c]: string[]) => [head, a, '{"sequence":0,"nats":0}', c]],
    ['the header again', ([head, a, b, c]: string[]) => [head, a, head, b, c]],
    ['torn', ([head, a, b, c]: string[]) => [head, a, b.slice(0, 9), c]],
  ])('keeps the lines before one that was %s', (_how, change) => {
    journalOf(3);
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    writeFileSync(
      path,
      change(lines)
        .map((line) => `${line}\n`)
        .join(''),
    );
    expect(entriesIn()).toEqual([{ sequence: 0, nats: 0 }]);
  });

  it('takes lines of any text, and empty ones', () => {
    const entries = [{}, { text: 'fünf ✓ "}' }, { crc32: 'mine' }];
    const journal = newJournal<object>(path, header);
    for (const entry of entries) journal.append(entry);
    journal.close();
    appendFileSync(path, 'x');
    expect(entriesIn()).toEqual(entries);
  });

  it('says what is wrong when the file cannot be made', () => {
    writeFileSync(join(folder, 'file'), '');
    const journal = newJournal(join(folder, 'file', 'run.jsonl'), header);
    expect(() => journal.append({})).toThrow(FileError);
  });
});
