import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { cacheEntryPath, readCacheEntry, writeCacheEntry } from '../../src/storage/cache-entry.js';
import { temporaryFolder } from '../support/folder.js';

const folder = temporaryFolder();
const entry = (key: string) => cacheEntryPath('graphs', { key }, '.onnx', folder.path());

describe('a cache entry', () => {
  it('has a name that depends on every part of its key, and not on their order', () => {
    const path = (key: Parameters<typeof cacheEntryPath>[1]) => cacheEntryPath('graphs', key, '', '/c');
    expect(path({ a: 1, b: { c: [1, 2], d: null } })).toBe(path({ b: { d: null, c: [1, 2] }, a: 1 }));
    expect(path({ a: 1 })).not.toBe(path({ a: 2 }));
    expect(path({ a: '1' })).not.toBe(path({ a: 1 }));
    expect(path({ a: [1, 2] })).not.toBe(path({ a: [2, 1] }));
    expect(path({ a: 1 })).toMatch(/^\/c\/graphs\/[0-9a-f]{64}$/);
  });

  it('is absent until it is written, and is then read back', async () => {
    expect(await readCacheEntry(entry('once'))).toBeNull();
    await writeCacheEntry(entry('once'), Buffer.from('content 1'));
    expect((await readCacheEntry(entry('once')))?.toString()).toBe('content 1');
  });

  it('may be empty', async () => {
    await writeCacheEntry(entry('empty'), Buffer.alloc(0));
    expect(await readCacheEntry(entry('empty'))).toEqual(Buffer.alloc(0));
  });

  it('that was altered in any byte, torn or emptied reads as absent and can be written again', async () => {
    const path = entry('damaged');
    await writeCacheEntry(path, Buffer.from('content'));
    const sound = readFileSync(path);
    for (let i = 0; i < sound.length; i++) {
      const altered = Buffer.from(sound);
      altered[i] ^= 1;
      writeFileSync(path, altered);
      expect(await readCacheEntry(path), `byte ${i}`).toBeNull();
    }
    for (const length of [sound.length - 1, 10, 0]) {
      writeFileSync(path, sound);
      truncateSync(path, length);
      expect(await readCacheEntry(path)).toBeNull();
    }
    await writeCacheEntry(path, Buffer.from('anew'));
    expect((await readCacheEntry(path))?.toString()).toBe('anew');
  });
});
