import { describe, expect, it } from 'vitest';
import { fileFailure } from '../../src/storage/file-failure.js';

const system = (code: string) => Object.assign(new Error(`${code}: something`), { code });

describe('a failure of the file system', () => {
  it.each([
    ['ENOSPC', 'disk-full', 'no space is left on the disk'],
    ['EFBIG', 'file-too-large', 'it is larger than a file may be here'],
    ['EDQUOT', 'disk-full', 'the disk quota is used up'],
    ['EACCES', 'permission-denied', 'permission is denied'],
    ['EPERM', 'permission-denied', 'permission is denied'],
    ['EROFS', 'read-only-disk', 'the disk is read-only'],
    ['ENOENT', 'no-such-file', 'there is no such file or folder'],
  ])('%s becomes a sentence and a hint', (code, ours, says) => {
    const failure = fileFailure(system(code), 'write', 'out.csv');
    expect(failure).toMatchObject({ code: ours, exitCode: 6, message: `Cannot write out.csv: ${says}.` });
    expect(failure.hint).toMatch(/^[A-Z].*\.$/);
  });

  it('of another kind still names the file and what the system says', () => {
    expect(fileFailure(system('EIO'), 'read', 'a').message).toBe('Cannot read a: the system says EIO.');
    expect(fileFailure(new Error('odd.'), 'read', 'a').message).toBe('Cannot read a: odd.');
  });
});
