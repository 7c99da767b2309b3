import { appendFileSync, existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { FileError } from '../../src/errors.js';
import { openJournal } from '../../src/storage/journal.js';
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
  const journal = openJournal<Entry>(path, header);
  for (let sequence = 0; sequence < count; sequence++) journal.append({ sequence, nats: sequence / 3 });
  journal.close();
}

describe('a journal', () => {
  it('gives a later run what an earlier one appended, to the bit', () => {
    journalOf(3);
    const journal = openJournal<Entry>(path, { settings: { draws: 4, seed: 1 }, key: 'abc' });
    expect(journal.entries).toEqual([0, 1, 2].map((sequence) => ({ sequence, nats: sequence / 3 })));
    journal.append({ sequence: 3, nats: 1 });
    journal.close();
    expect(openJournal<Entry>(path, header).entries).toHaveLength(4);
  });

  it('drops a last line torn at any byte, and goes on after it', () => {
    journalOf(2);
    const whole = readFileSync(path);
    const lastLine = whole.lastIndexOf('\n', whole.length - 2) + 1;
    for (let length = lastLine; length < whole.length; length++) {
      writeFileSync(path, whole);
      truncateSync(path, length);
      const journal = openJournal<Entry>(path, header);
      expect(journal.entries).toHaveLength(1);
      journal.append({ sequence: 9, nats: 9 });
      journal.close();
      const again = openJournal<Entry>(path, header);
      expect(again.entries.map(({ sequence }) => sequence)).toEqual([0, 9]);
      again.close();
    }
  });

  it('begins anew when even the header is torn', () => {
    journalOf(1);
    truncateSync(path, 5);
    expect(openJournal<Entry>(path, header).entries).toEqual([]);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject(header);
  });

  it('is on disk as soon as a line is appended', () => {
    const journal = openJournal<Entry>(path, header);
    journal.append({ sequence: 0, nats: 0.5 });
    expect(readFileSync(path, 'utf8').trimEnd().split('\n')).toHaveLength(2);
    journal.close();
  });

  it('is gone when the work is finished', () => {
    const journal = openJournal<Entry>(path, header);
    journal.append({ sequence: 0, nats: 0.5 });
    journal.finish();
    expect(existsSync(path)).toBe(false);
  });

  it('refuses to mix with other work unless told to begin anew', () => {
    journalOf(2);
    const other = { key: 'xyz' };
    expect(() => openJournal(path, other)).toThrow(FileError);
    expect(() => openJournal(path, other)).toThrow(/other models, data or settings/);
    expect(openJournal(path, other, { fresh: true }).entries).toEqual([]);
  });

  it('refuses a file damaged before its end, naming the line', () => {
    journalOf(1);
    appendFileSync(path, '{"sequence":\n{"sequence":2,"nats":1}\n');
    expect(() => openJournal(path, header)).toThrow(/damaged at line 3/);
  });

  it.each([
    ['altered', ([head, a, b, c]: string[]) => [head, a.replace('0', '7'), b, c]],
    ['moved', ([head, a, b, c]: string[]) => [head, b, a, c]],
    ['doubled', ([head, a, b, c]: string[]) => [head, a, a, b, c]],
    ['lost', ([head, , b, c]: string[]) => [head, b, c]],
    ['without its checksum', ([head, , b, c]: string[]) => [head, '{"sequence":0,"nats":0}', b, c]],
    ['the header again', ([head, a, b, c]: string[]) => [head, a, head, b, c]],
  ])('refuses a line that was %s', (_how, change) => {
    journalOf(3);
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    writeFileSync(
      path,
      change(lines)
        .map((line) => `${line}\n`)
        .join(''),
    );
    expect(() => openJournal(path, header)).toThrow(/damaged at line [23]/);
  });

  it('takes lines of any text, and empty ones', () => {
    const entries = [{}, { text: 'fünf ✓ "}' }, { crc32: 'mine' }];
    const journal = openJournal<object>(path, header);
    for (const entry of entries) journal.append(entry);
    journal.close();
    expect(openJournal<object>(path, header).entries).toEqual(entries);
  });

  it('says what is wrong when the file cannot be made', () => {
    writeFileSync(join(folder, 'file'), '');
    expect(() => openJournal(join(folder, 'file', 'run.jsonl'), header)).toThrow(FileError);
  });
});
