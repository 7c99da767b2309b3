import { describe, expect, it } from 'vitest';
import { loadTokenizer } from '../../src/datasets/tokenizer.js';
import { temporaryFolder } from '../support/folder.js';
import { largeOracle } from './oracle.js';

/** Every normalizer, pre-tokenizer, model and decoder that is not refused, alone and as published tokenizers join them. */
const { texts, shapes } = largeOracle('tokenizer-shapes') as {
  texts: string[];
  shapes: { name: string; tokenizer: object; ids: number[][]; decoded: (string | null)[] }[];
};
const folder = temporaryFolder();

describe('a tokenizer of the kind', () => {
  it.each(shapes)('"$name" gives the ids and the texts of the Rust implementation', async (shape) => {
    const path = folder.file('tokenizer.json', JSON.stringify(shape.tokenizer));
    const tokenizer = await loadTokenizer(path);
    expect(texts.map((text) => tokenizer.encode(text))).toEqual(shape.ids);
    const pieces = texts.map((text) => [...tokenizer.encodePieces(text)].flat());
    expect(pieces).toEqual(shape.ids);
    const decoded = shape.ids.map((ids) => tokenizer.decode(ids, { cleanUp: false }));
    // Null: the reference itself fails.
    expect(decoded).toEqual(shape.decoded.map((text, i) => text ?? decoded[i]));
    for (const [i, ids] of shape.ids.entries())
      expect(tokenizer.byteLength(ids)).toBe(Buffer.byteLength(decoded[i]));
  });

  it('is one of at least 20, each asked for at least 30 texts', () => {
    expect(shapes.length).toBeGreaterThanOrEqual(20);
    for (const { ids } of shapes) expect(ids.length).toBeGreaterThanOrEqual(30);
  });
});
