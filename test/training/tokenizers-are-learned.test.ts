import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { embeddedSource } from '../../src/datasets/embedded-texts.js';
import { loadTokenizer } from '../../src/datasets/tokenizer.js';
import { trainTokenizer } from '../../src/training/train-tokenizer.js';
import { temporaryFolder } from '../support/folder.js';

const folder = temporaryFolder().root;

function request(text: string, vocabSize: number) {
  const data = join(folder, 'text.txt');
  writeFileSync(data, text);
  return { data, vocabSize, leastCount: 2, out: join(folder, 'tokenizer') };
}

describe('a tokenizer learned from text', () => {
  it('has as many tokens as asked for, and writes any text back as it was', async () => {
    const trained = await trainTokenizer({
      data: 'sotu',
      vocabSize: 400,
      leastCount: 2,
      out: join(folder, 'sotu'),
    });
    const tokenizer = await loadTokenizer(join(folder, 'sotu'));
    expect(tokenizer.vocabSize).toBe(400);
    expect(tokenizer.bosTokenId).toBe(399);
    expect(tokenizer.eosTokenId).toBe(399);
    let bytes = 0;
    let tokens = 0;
    for await (const text of (await embeddedSource('sotu')).texts()) {
      const ids = tokenizer.encode(text);
      bytes += Buffer.byteLength(text);
      tokens += ids.length;
      expect(tokenizer.decode(ids, { cleanUp: false }) === text).toBe(true);
    }
    expect(trained.bytes).toBe(bytes);
    expect(bytes / tokens).toBeGreaterThan(1.9);
    const foreign = 'Übergrößenträger: naïve 漢字 \u{1f600}\r\n\t\u0000';
    expect(tokenizer.decode(tokenizer.encode(foreign), { cleanUp: false })).toBe(foreign);
  });

  it('splits a word as the merges were learned, by the library that reads it', async () => {
    await trainTokenizer(request('low low low low low lower lower newest newest newest', 262));
    const tokenizer = await loadTokenizer(join(folder, 'tokenizer'));
    const pieces = (text: string) =>
      tokenizer.encode(text).map((id) => tokenizer.decode([id], { cleanUp: false }));
    expect(pieces(' lower')).toEqual([' low', 'e', 'r']);
    expect(pieces('lowest')).toEqual(['low', 'es', 't']);
  });

  it('takes the boundary in a text for what it is', async () => {
    const text = 'one<|endoftext|>one<|endoftext|>one<|endoftext|>';
    const trained = await trainTokenizer(request(text, 259));
    expect(trained).toMatchObject({ words: 1, bytes: 9, leastCount: 3 });
    expect((await loadTokenizer(join(folder, 'tokenizer'))).encode(text)).toHaveLength(6);
  });

  it('is the same file whenever it is learned', async () => {
    const once = await trainTokenizer(request('a rose is a rose is a rose', 262));
    const first = readFileSync(once.path);
    await trainTokenizer(request('a rose is a rose is a rose', 262));
    expect(readFileSync(once.path).equals(first)).toBe(true);
  });

  it('says how many tokens a text is good for when it is too short', async () => {
    const short = trainTokenizer(request('abab abab', 300));
    await expect(short).rejects.toMatchObject({
      code: 'text-too-short',
      message: expect.stringContaining('a tokenizer of 259 tokens at most'),
    });
  });
});
