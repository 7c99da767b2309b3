import * as fs from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { FileError } from '../../src/errors.js';
import { acquireLock } from '../../src/storage/lock.js';
import { temporaryFolder } from '../support/folder.js';

vi.mock('node:fs', { spy: true });
const folder = temporaryFolder();

describe.each([
  ['with links', null],
  ['without links', 'EPERM'],
])('on a file system %s, a lock', (name, code) => {
  it('keeps others out until it is released, and leaves no other file', () => {
    const path = folder.path(`${name}/file`);
    const linked: string[] = [];
    vi.mocked(fs.linkSync).mockImplementation((from, to) => {
      if (code) throw Object.assign(new Error(code), { code });
      linked.push(fs.readFileSync(from, 'utf8'));
      fs.copyFileSync(from, to, fs.constants.COPYFILE_EXCL);
    });
    const lock = acquireLock(path, 'The file');
    expect(JSON.parse(fs.readFileSync(`${path}.lock`, 'utf8'))).toMatchObject({ pid: process.pid });
    expect(() => acquireLock(path, 'The file')).toThrow(FileError);
    expect(fs.readdirSync(folder.path(name))).toEqual(['file.lock']);
    if (!code) expect(JSON.parse(linked[0])).toMatchObject({ pid: process.pid }); // whole before it appears
    lock.release();
    expect(fs.readdirSync(folder.path(name))).toEqual([]);
  });
});
