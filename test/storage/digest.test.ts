import { createHash } from 'node:crypto';
import { readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { FileError } from '../../src/errors.js';
import { writeCacheEntry } from '../../src/storage/cache-entry.js';
import { rememberedSha256OfFile, sha256OfBytes, sha256OfFile } from '../../src/storage/digest.js';
import { temporaryFolder } from '../support/folder.js';

const folder = temporaryFolder();
const LARGE = 9 * 2 ** 20;
const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

describe('the SHA-256 of a file', () => {
  it('is that of its bytes', async () => {
    // FIPS 180-2, appendix B.1.
    const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
    expect(sha256OfBytes('abc')).toBe(abc);
    expect(await sha256OfFile(folder.file('abc', 'abc'))).toBe(abc);
    await expect(sha256OfFile(folder.path('none'))).rejects.toBeInstanceOf(FileError);
  });

  it('of a large file is remembered once the file has settled, and taken anew when the file changes', async () => {
    const cache = folder.path('cache');
    const before = Buffer.alloc(LARGE, 1);
    const path = folder.file('large', before);
    expect(await rememberedSha256OfFile(path, cache)).toBe(digest(before));
    expect(
      statSync(cache, { throwIfNoEntry: false }),
      'a file just written is not remembered',
    ).toBeUndefined();

    await setTimeout(2_700);
    expect(await rememberedSha256OfFile(path, cache)).toBe(digest(before));
    const [entry] = readdirSync(`${cache}/sha256`);
    // What is remembered is what is answered: a forged entry shows that the file is not read again.
    await writeCacheEntry(`${cache}/sha256/${entry}`, Buffer.from('f'.repeat(64)));
    expect(await rememberedSha256OfFile(path, cache)).toBe('f'.repeat(64));

    const { atime, mtime } = statSync(path);
    const after = Buffer.alloc(LARGE, 2);
    writeFileSync(path, after);
    utimesSync(path, atime, mtime);
    expect(await rememberedSha256OfFile(path, cache)).toBe(digest(after));
  });
});
