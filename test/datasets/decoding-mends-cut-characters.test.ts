import { describe, expect, it } from 'vitest';
import { loadTokenizer } from '../../src/datasets/tokenizer.js';
import { temporaryFolder } from '../support/folder.js';
import { bytesOf, byteTokenizer } from './small-tokenizer.js';

const folder = temporaryFolder();
const added = [{ id: 300, content: '<|é end|>' }];

describe('decoding byte-level ids', () => {
  it('writes U+FFFD for each part of a character that a sequence cuts, and counts its three bytes', async () => {
    const tokenizer = await loadTokenizer(byteTokenizer(folder.path('bytes'), { added }));
    const smile = bytesOf('a😀b');
    const cases: [number[], string][] = [
      [smile, 'a😀b'],
      [smile.slice(0, 3), 'a\ufffd'],
      [smile.slice(3), '\ufffd\ufffdb'],
      [[0xff, 0x61], '\ufffda'],
      [bytesOf('\ufeffbom'), '\ufeffbom'],
      [[], ''],
    ];
    for (const [ids, text] of cases) {
      expect(tokenizer.decode(ids, { cleanUp: false })).toBe(text);
      expect(tokenizer.decode(Int32Array.from(ids), { cleanUp: false })).toBe(text);
      expect(tokenizer.byteLength(ids)).toBe(Buffer.byteLength(text));
    }
  });

  it('keeps special tokens, and passes over ids that no token has', async () => {
    const tokenizer = await loadTokenizer(byteTokenizer(folder.path('added'), { added }));
    const ids = [0x61, 300, 0x62, 299, 301, 5_000_000, -1, 0x63];
    expect(tokenizer.vocabSize).toBe(301);
    expect(tokenizer.decode(ids, { cleanUp: false })).toBe('a<|é end|>bc');
    expect(tokenizer.byteLength(ids)).toBe(Buffer.byteLength('a<|é end|>bc'));
  });
});
