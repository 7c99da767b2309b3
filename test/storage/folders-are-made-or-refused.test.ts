import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { writeFileAtomically } from '../../src/storage/atomic-file.js';
import { checkFolder } from '../../src/storage/folder-check.js';
import { acquireLock } from '../../src/storage/lock.js';
import { makeFolder } from '../../src/storage/make-folder.js';
import { temporaryFolder } from '../support/folder.js';

const folder = temporaryFolder();

describe('a folder', () => {
  it('is made with those above it that are missing', () => {
    const path = folder.path('a', 'b', 'c');
    expect(makeFolder(path)).toEqual([folder.path('a'), folder.path('a', 'b'), path]);
    expect(existsSync(path)).toBe(true);
    expect(makeFolder(path)).toEqual([]);
  });

  // Node's mkdir with `recursive` does not come back from there.
  it.skipIf(process.platform !== 'linux')('that the system cannot make is a file error, soon', async () => {
    const path = '/proc/duo-eval/a/b';
    await expect(writeFileAtomically(path, 'x')).rejects.toMatchObject({ exitCode: 6 });
    expect(() => acquireLock(path, 'A test')).toThrow(expect.objectContaining({ exitCode: 6 }));
    expect(await checkFolder(path)).toMatchObject({ writable: false, reason: 'ENOENT' });
  });
});
