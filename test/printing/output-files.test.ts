import { chmodSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { FileError, UsageError } from '../../src/errors.js';
import { writeResults } from '../../src/library/results.js';
import { checkWritable, planOutput, replaceFile } from '../../src/printing/output.js';
import { sampleFile } from '../records/sample.js';
import { temporaryFolder } from '../support/folder.js';

let folder: string;
beforeEach(() => {
  folder = temporaryFolder().root;
});
const isRoot = process.getuid?.() === 0;

describe('the format of an output', () => {
  it('is decided by the ending of each file when no format is given', () => {
    expect(planOutput({ out: ['a.json', 'b.CSV', 'c.md', 'd.txt'] })).toEqual({
      stdout: 'table',
      files: [
        { path: 'a.json', format: 'json' },
        { path: 'b.CSV', format: 'csv' },
        { path: 'c.md', format: 'markdown' },
        { path: 'd.txt', format: 'table' },
      ],
    });
  });

  it('is the one that is asked for, everywhere', () => {
    expect(planOutput({ format: 'csv', out: ['a.txt'] })).toEqual({
      stdout: 'csv',
      files: [{ path: 'a.txt', format: 'csv' }],
    });
    expect(planOutput({ json: true }).stdout).toBe('json');
  });

  it('is a page where the ending asks for one, beside any format', () => {
    expect(planOutput({ json: true, out: ['a.html', 'a.txt'] })).toEqual({
      stdout: 'json',
      files: [
        { path: 'a.html', format: 'html' },
        { path: 'a.txt', format: 'json' },
      ],
    });
  });

  it('is refused when it is unclear', () => {
    expect(() => planOutput({ json: true, format: 'csv' })).toThrow(UsageError);
    expect(() => planOutput({ out: ['results.xlsx'] })).toThrow(/results\.xlsx/);
    expect(() => planOutput({ out: ['a.json', './a.json'] })).toThrow(/twice/);
  });
});

describe('checking outputs before a run', () => {
  it('passes and leaves no trace where files can be written', () => {
    writeFileSync(join(folder, 'old.json'), 'old');
    checkWritable([join(folder, 'new.json'), join(folder, 'old.json'), '/dev/null']);
    expect(readdirSync(folder)).toEqual(['old.json']);
    expect(readFileSync(join(folder, 'old.json'), 'utf8')).toBe('old');
  });

  it('refuses a missing folder, a folder as a file, and a file as a folder', () => {
    writeFileSync(join(folder, 'file'), '');
    mkdirSync(join(folder, 'inner'));
    expect(() => checkWritable([join(folder, 'none', 'r.json')])).toThrow(/there is no folder/);
    expect(() => checkWritable([join(folder, 'inner')])).toThrow(/is a folder/);
    expect(() => checkWritable([join(folder, 'file', 'r.json')])).toThrow(FileError);
  });

  it.skipIf(isRoot)('refuses a folder or a file that may not be written', () => {
    writeFileSync(join(folder, 'fixed.json'), '', { mode: 0o400 });
    expect(() => checkWritable([join(folder, 'fixed.json')])).toThrow(/permission is denied/);
    chmodSync(folder, 0o500);
    expect(() => checkWritable([join(folder, 'r.json')])).toThrow(/permission is denied/);
    chmodSync(folder, 0o700);
  });
});

describe('writing outputs', () => {
  it('writes every file in its format and leaves nothing temporary', async () => {
    const out = ['r.json', 'r.csv', 'r.md', 'r.txt'].map((name) => join(folder, name));
    for (const { path, format } of planOutput({ out }).files) await writeResults(sampleFile(), path, format);
    expect(readdirSync(folder).sort()).toEqual(['r.csv', 'r.json', 'r.md', 'r.txt']);
    expect(JSON.parse(readFileSync(out[0], 'utf8')).results).toHaveLength(6);
    expect(readFileSync(out[1], 'utf8')).toMatch(/^eval,model,/);
    expect(readFileSync(out[2], 'utf8')).toMatch(/^\| model \|/);
    expect(readFileSync(out[3], 'utf8')).toMatch(/^model +data set/);
  });

  it('replaces the file that a link names, and keeps the link', async () => {
    writeFileSync(join(folder, 'real.txt'), 'old');
    symlinkSync('real.txt', join(folder, 'link.txt'));
    await replaceFile(join(folder, 'link.txt'), 'new');
    expect(readFileSync(join(folder, 'real.txt'), 'utf8')).toBe('new');
    expect(readdirSync(folder).sort()).toEqual(['link.txt', 'real.txt']);
  });

  it('makes the folder anew when it is gone by then, so that nothing is lost', async () => {
    await replaceFile(join(folder, 'gone', 'r.txt'), 'x');
    expect(readFileSync(join(folder, 'gone', 'r.txt'), 'utf8')).toBe('x');
  });

  it('takes names as long as the disk takes them', async () => {
    for (const length of [245, 255]) {
      const path = join(folder, `${'n'.repeat(length - 5)}.json`);
      checkWritable([path]);
      await replaceFile(path, '{}');
      expect(readFileSync(path, 'utf8')).toBe('{}');
    }
    expect(() => checkWritable([join(folder, `${'n'.repeat(251)}.json`)])).toThrow(/the name is too long/);
  });
});
