import { describe, expect, it } from 'vitest';
import { Trie } from '../../src/datasets/tokenization/trie.js';

const found = (trie: Trie, text: string, start: number, from?: number) => {
  const tokens: [end: number, id: number][] = [];
  trie.tokensAt(text, start, (end, id) => tokens.push([end, id]), from);
  return tokens;
};

describe('a trie', () => {
  it('finds what a look at every token finds, at every place', () => {
    const letters = ['a', 'b', 'c', '漢', '😀'];
    const tokens = Array.from({ length: 3_000 }, (_, i) => {
      let token = '';
      for (let rest = i + 1; rest > 0; rest = Math.floor(rest / 5)) token += letters[rest % 5];
      return token;
    });
    const ids = new Map(tokens.map((token, id) => [token, id]));
    const trie = new Trie();
    for (const [token, id] of ids) trie.add(token, id);
    const text = Array.from({ length: 400 }, (_, i) => letters[(i * i + (i >> 2)) % 5]).join('');
    for (let start = 0; start < text.length; start++) {
      if (text.charCodeAt(start) >= 0xdc00 && text.charCodeAt(start) < 0xe000) continue;
      const expected = [...ids]
        .filter(([token]) => text.startsWith(token, start))
        .map(([token, id]) => [start + token.length, id])
        .sort(([a], [b]) => a - b);
      expect(found(trie, text, start)).toEqual(expected);
    }
  });

  it('finds what follows a prefix, and nothing after one that no token has', () => {
    const trie = new Trie();
    for (const [id, token] of ['##a', '##ab', 'a', ''].entries()) trie.add(token, id);
    expect(found(trie, 'ab', 0, trie.after('##')!)).toEqual([
      [1, 0],
      [2, 1],
    ]);
    expect(found(trie, 'ab', 0)).toEqual([[1, 2]]);
    expect(trie.after('#a')).toBeNull();
  });
});
