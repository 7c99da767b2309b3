import { readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { detokenizer } from '../../src/datasets/detokenizers.js';
import { type PackOptions, packDataset } from '../../src/datasets/pack-dataset.js';
import { loadTokenizer } from '../../src/datasets/tokenizer.js';
import { FileError, InterruptedError } from '../../src/errors.js';
import { temporaryFolder } from '../support/folder.js';
import { byteTokenizer } from './small-tokenizer.js';
import { sourceOf } from './text-sources.js';

const folder = temporaryFolder();
const tokenizer = await loadTokenizer(byteTokenizer(folder.path('bytes')));
const texts = Array.from({ length: 100 }, (_, i) => `text number ${i}, longer than a sequence`);

const options = (cache: string, changes: Partial<PackOptions> = {}): PackOptions => ({
  source: sourceOf(texts),
  tokenizer,
  length: 16,
  protocol: 'duo',
  cacheFolder: folder.path(cache),
  ...changes,
});
const pack = async (packing: PackOptions) => {
  const stream = await packDataset(packing);
  stream.close();
  return stream;
};
const files = (cache: string) => readdirSync(folder.path(cache, 'packed'));

describe('the cache of packed streams', () => {
  it('takes zeros before the mark at its end for no description', async () => {
    await pack(options('zeros'));
    const path = folder.path('zeros', 'packed', files('zeros')[0]);
    const bytes = readFileSync(path);
    writeFileSync(path, Buffer.concat([Buffer.alloc(500), bytes.subarray(-8)]));
    const source = sourceOf(texts);
    await pack(options('zeros', { source }));
    expect(source.reads).toBe(1);
  });

  it('is read the second time, without asking for the texts, under whatever name', async () => {
    const first = await pack(options('twice'));
    const source = sourceOf(texts, 'another name');
    const second = await pack(options('twice', { source }));
    expect(source.reads).toBe(0);
    expect(second.name).toBe('another name');
    expect(second.sha256).toBe(first.sha256);
    expect(files('twice')).toHaveLength(1);
  });

  it('has an entry of its own for everything that decides the content', async () => {
    const changes: Partial<PackOptions>[] = [
      {},
      { source: sourceOf(['other texts, long enough']) },
      { source: { ...sourceOf(texts), reading: 'another' } },
      { source: { ...sourceOf(texts), detokenizer: detokenizer('ptb') } },
      { length: 17 },
      { protocol: 'strict' },
      { protocol: 'strict', keepRemainder: true },
      { tokenizer: await loadTokenizer(folder.path('bytes'), { bosTokenId: 1 }) },
      { tokenizer: await loadTokenizer(folder.path('bytes'), { eosTokenId: 1 }) },
      { tokenizer: await loadTokenizer(byteTokenizer(folder.path('other'), { merges: [['a', 'b']] })) },
    ];
    for (const change of changes) await pack(options('keys', change));
    expect(files('keys')).toHaveLength(changes.length);
    // A duo stream has no remainder to keep.
    await pack(options('keys', { keepRemainder: true }));
    expect(files('keys')).toHaveLength(changes.length);
  });

  it('makes a damaged entry anew, wherever the damage is', async () => {
    const sound = await pack(options('damage'));
    const path = folder.path('damage', 'packed', files('damage')[0]);
    const bytes = readFileSync(path);
    const places = Array.from({ length: 60 }, (_, i) => Math.floor((i * (bytes.length - 1)) / 59));
    for (const place of places) {
      const altered = Buffer.from(bytes);
      altered[place] ^= 0x10;
      writeFileSync(path, altered);
      expect((await pack(options('damage'))).sha256, `byte ${place}`).toBe(sound.sha256);
      expect(readFileSync(path).equals(bytes)).toBe(true);
    }
    for (const length of [0, 5, bytes.length - 1]) {
      truncateSync(path, length);
      await pack(options('damage'));
      expect(readFileSync(path).equals(bytes)).toBe(true);
    }
  });

  it('is safe with several writers at once', async () => {
    const streams = await Promise.all(Array.from({ length: 4 }, () => pack(options('writers'))));
    expect(new Set(streams.map(({ sha256 }) => sha256)).size).toBe(1);
    expect(files('writers')).toHaveLength(1);
  });

  it('that cannot be written to is a FileError that names DUO_EVAL_CACHE', async () => {
    folder.file('plain-file', '');
    const failure = await pack(options('plain-file')).catch((error) => error);
    expect(failure).toBeInstanceOf(FileError);
    expect(failure.hint).toContain('DUO_EVAL_CACHE');
  });

  it('keeps nothing of a run that was interrupted or failed', async () => {
    const abort = new AbortController();
    abort.abort();
    await expect(pack(options('stopped', { signal: abort.signal }))).rejects.toBeInstanceOf(InterruptedError);
    const broken = {
      ...sourceOf(texts),
      async *texts() {
        yield texts[0];
        throw new RangeError('in the middle');
      },
    };
    await expect(pack(options('stopped', { source: broken }))).rejects.toThrow('in the middle');
    expect(files('stopped')).toEqual([]);
  });

  it('tells how many texts are done while it packs', async () => {
    const seen: [number, number | null][] = [];
    await pack(options('progress', { onProgress: (done, total) => seen.push([done, total]) }));
    expect(seen.at(-1)).toEqual([100, 100]);
    seen.length = 0;
    await pack(options('progress', { onProgress: (done, total) => seen.push([done, total]) }));
    expect(seen).toEqual([]);
  });
});
