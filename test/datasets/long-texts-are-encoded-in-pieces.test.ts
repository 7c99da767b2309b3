import { describe, expect, it } from 'vitest';
import { splitLongText } from '../../src/datasets/long-text.js';
import { loadTokenizer } from '../../src/datasets/tokenizer.js';
import { temporaryFolder } from '../storage/temporary-folder.js';
import { byteTokenizer } from './small-tokenizer.js';

const folder = temporaryFolder();
const merges: [string, string][] = [
  ['Ġ', 't'],
  ['h', 'e'],
  ['Ġt', 'he'],
  ['Ġ', 'Ġ'],
  ['t', 'h'],
];
const text = "the cat's  theme, the  thé\n\nthe then 7 the the ".repeat(300);

describe('a long text', () => {
  it('has in pieces the ids it has as a whole', async () => {
    const tokenizer = await loadTokenizer(byteTokenizer(folder.path('merges'), { merges }));
    const whole = tokenizer.encode(text);
    for (const pieceLength of [1, 2, 7, 50, 1_000]) {
      const pieces = [...splitLongText(text, pieceLength)];
      expect(pieces.length).toBeGreaterThan(5);
      expect(pieces.join('')).toBe(text);
      expect(pieces.flatMap((piece) => tokenizer.encode(piece))).toEqual(whole);
    }
    const large = text.repeat(40);
    const encoded = [...tokenizer.encodePieces(large)];
    expect(encoded.length).toBeGreaterThan(1);
    expect(encoded.flat()).toEqual(tokenizer.encode(large));
  });

  it('that offers no safe place stays whole', () => {
    const unbroken = 'x1'.repeat(500);
    expect([...splitLongText(unbroken, 10)]).toEqual([unbroken]);
    expect([...splitLongText('', 10)]).toEqual(['']);
  });

  it('stays whole when an added token has a space, which a cut could break', async () => {
    const added = [{ id: 400, content: 'cat the' }];
    const tokenizer = await loadTokenizer(byteTokenizer(folder.path('spaced'), { merges, added }));
    const large = 'a cat the '.repeat(60_000);
    expect([...tokenizer.encodePieces(large)]).toHaveLength(1);
  });
});
