import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { packDataset } from '../../src/datasets/pack-dataset.js';
import { writePackedIds } from '../../src/datasets/packed-stream.js';
import { loadTokenizer } from '../../src/datasets/tokenizer.js';
import { DomainError } from '../../src/errors.js';
import { temporaryFolder } from '../support/folder.js';
import { bytesOf, byteTokenizer } from './small-tokenizer.js';
import { sourceOf } from './text-sources.js';

const folder = temporaryFolder();
const tokenizer = await loadTokenizer(byteTokenizer(folder.path('bytes')), {
  bosTokenId: 300,
  eosTokenId: 301,
});
const cacheFolder = folder.path('cache');
/** 12,007 tokens of text with a character of three bytes now and then; no two sequences of it alike. */
const text = Array.from({ length: 2_000 }, (_, i) => `${i % 50 === 0 ? '€' : '-'}${i} `).join('');
const bytes = bytesOf(text);
const LENGTH = 1_002;

const strict = () =>
  packDataset({
    source: sourceOf([text]),
    tokenizer,
    length: LENGTH,
    protocol: 'strict',
    keepRemainder: true,
    cacheFolder,
  });

/** What the stream must hold, worked out without the cutter. */
const expected = Array.from({ length: Math.ceil(bytes.length / 1_000) }, (_, i) => [
  300,
  ...bytes.slice(i * 1_000, (i + 1) * 1_000),
  301,
]);

describe('a packed stream', () => {
  it('gives each sequence, its length and its bytes of text, in any order', async () => {
    const stream = await strict();
    const backwards = expected.map((_, i) => expected.length - 1 - i);
    for (const i of [...backwards, ...backwards.reverse(), 3, 9, 3]) {
      expect([...stream.sequence(i)]).toEqual(expected[i]);
      expect(stream.lengthOf(i)).toBe(expected[i].length);
      const decoded = tokenizer.decode(stream.sequence(i).slice(1, -1), { cleanUp: false });
      expect(stream.textBytes(i)).toBe(Buffer.byteLength(decoded));
    }
    expect(stream.lengthOf(expected.length - 1)).toBeLessThan(LENGTH);
    stream.close();
  });

  it('tells its facts, which agree with each other', async () => {
    const stream = await strict();
    const all = Int32Array.from(expected.flat());
    expect(stream).toMatchObject({
      name: 'given',
      split: 'all',
      protocol: 'strict',
      wrapped: true,
      texts: 1,
      tokens: bytes.length,
      sequences: expected.length,
      droppedTokens: 0,
      maxTokenId: 301,
      sha256: createHash('sha256').update(all).digest('hex'),
    });
    const counts = new Float64Array(302);
    for (const id of all) counts[id]++;
    expect(stream.unigramCounts()).toEqual(counts);
    stream.close();
  });

  it('hands out copies: what a caller writes into one stays its own', async () => {
    const stream = await strict();
    stream.sequence(0).fill(7);
    stream.unigramCounts().fill(7);
    expect([...stream.sequence(0)]).toEqual(expected[0]);
    expect(stream.unigramCounts()[300]).toBe(expected.length);
    stream.close();
  });

  it('refuses what is out of bounds', async () => {
    const stream = await strict();
    for (const i of [-1, expected.length, 0.5, Number.NaN]) {
      expect(() => stream.sequence(i)).toThrow(DomainError);
      expect(() => stream.lengthOf(i)).toThrow(DomainError);
      expect(() => stream.textBytes(i)).toThrow(DomainError);
    }
    stream.close();
  });

  it('spans many blocks of the file', async () => {
    const many = 'abcdefgh'.repeat(250_000);
    const stream = await packDataset({
      source: sourceOf([many]),
      tokenizer,
      length: 4,
      protocol: 'duo',
      cacheFolder,
    });
    expect(stream.sequences).toBe(1_000_000);
    for (const i of [0, 999_999, 500_000, 262_143, 262_144, 1]) {
      expect([...stream.sequence(i)]).toEqual([300, ...bytesOf(many.slice(2 * i, 2 * i + 2)), 301]);
    }
    stream.close();
  });

  it('is written out as plain int32 whose SHA-256 is the stream’s', async () => {
    const stream = await strict();
    await writePackedIds(stream, folder.path('ids.i32'));
    const written = readFileSync(folder.path('ids.i32'));
    expect(createHash('sha256').update(written).digest('hex')).toBe(stream.sha256);
    expect(written.readInt32LE(0)).toBe(300);
    stream.close();
  });

  it('is not wrapped when the tokenizer has neither BOS nor EOS', async () => {
    const bare = await loadTokenizer(folder.path('bytes'));
    const stream = await packDataset({
      source: sourceOf(['abcdefg']),
      tokenizer: bare,
      length: 3,
      protocol: 'duo',
      cacheFolder,
    });
    expect(stream).toMatchObject({ wrapped: false, sequences: 2, droppedTokens: 1, bosTokenId: null });
    expect([...stream.sequence(1)]).toEqual(bytesOf('def'));
    expect(stream.textBytes(1)).toBe(3);
    stream.close();
  });
});
