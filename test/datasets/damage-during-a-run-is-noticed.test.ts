import { existsSync, openSync, readdirSync, writeSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { packDataset } from '../../src/datasets/pack-dataset.js';
import { writePackedIds } from '../../src/datasets/packed-stream.js';
import { loadTokenizer } from '../../src/datasets/tokenizer.js';
import { FileError } from '../../src/errors.js';
import { temporaryFolder } from '../support/folder.js';
import { byteTokenizer } from './small-tokenizer.js';
import { sourceOf } from './text-sources.js';

const folder = temporaryFolder();
const tokenizer = await loadTokenizer(byteTokenizer(folder.path('bytes')));

describe('a packed stream that is altered while it is read', () => {
  it('is said to be damaged and removed, and nothing of it is written elsewhere', async () => {
    const stream = await packDataset({
      source: sourceOf(['a text that is long enough for some sequences of sixteen tokens']),
      tokenizer,
      length: 16,
      protocol: 'strict',
      cacheFolder: folder.path('cache'),
    });
    const path = folder.path('cache', 'packed', readdirSync(folder.path('cache', 'packed'))[0]);
    writeSync(openSync(path, 'r+'), Buffer.from([0xff]), 0, 1, 5);
    const out = folder.path('ids.i32');
    await expect(writePackedIds(stream, out)).rejects.toThrow(FileError);
    expect(() => stream.sequence(0)).toThrow(/damaged on the disk; it has been removed/);
    expect(existsSync(path)).toBe(false);
    expect(existsSync(out)).toBe(false);
    stream.close();
  });
});
