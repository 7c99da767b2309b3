import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { learnMerges, type Merge } from '../../src/datasets/byte-pair-merges.js';

const latin1 = (text: string) => Buffer.from(text).toString('latin1');

function wordsOf(text: string): Map<string, number> {
  const words = new Map<string, number>();
  for (const [word] of text.matchAll(/ ?[a-zA-Z]+|[^a-zA-Z]+/g))
    words.set(latin1(word), (words.get(latin1(word)) ?? 0) + 1);
  return words;
}

/** Counts every pair of the whole text anew for each merge. */
function byDefinition(words: ReadonlyMap<string, number>, wanted: number, leastCount: number): Merge[] {
  let corpus = Array.from(words, ([word, count]) => ({ ids: [...word].map((c) => c.charCodeAt(0)), count }));
  const merges: Merge[] = [];
  while (merges.length < wanted) {
    const counts = new Map<string, number>();
    for (const { ids, count } of corpus) {
      for (let i = 1; i < ids.length; i++) {
        const pair = `${ids[i - 1]},${ids[i]}`;
        counts.set(pair, (counts.get(pair) ?? 0) + count);
      }
    }
    const candidates = Array.from(counts, ([pair, count]) => ({ pair: pair.split(',').map(Number), count }));
    candidates.sort((a, b) => b.count - a.count || a.pair[0] - b.pair[0] || a.pair[1] - b.pair[1]);
    if (!candidates.length || candidates[0].count < leastCount) break;
    const [left, right] = candidates[0].pair;
    const id = 256 + merges.length;
    merges.push([left, right]);
    corpus = corpus.map(({ ids, count }) => {
      const next: number[] = [];
      for (const piece of ids) {
        if (next.at(-1) === left && piece === right && next.length > 0) next[next.length - 1] = id;
        else next.push(piece);
      }
      return { ids: next, count };
    });
  }
  return merges;
}

describe('merges', () => {
  it('are the most frequent pairs, of equal ones the smaller, counted anew after each', async () => {
    const readme = readFileSync(fileURLToPath(new URL('../../README.md', import.meta.url)), 'utf8');
    const words = wordsOf(readme.slice(0, 12_000));
    expect((await learnMerges(words, 300)).merges).toEqual(byDefinition(words, 300, 2));
  });

  it('of random words over three letters are the same, overlapping pairs included', async () => {
    let state = 7;
    const random = (n: number) => {
      state = (state * 48_271) % 0x7fffffff;
      return state % n;
    };
    for (let trial = 0; trial < 40; trial++) {
      const words = new Map<string, number>();
      for (let w = 0; w < 12; w++) {
        const word = Array.from({ length: 1 + random(9) }, () => 'abc'[random(3)]).join('');
        words.set(word, 1 + random(4));
      }
      expect((await learnMerges(words, 25, 1)).merges).toEqual(byDefinition(words, 25, 1));
    }
  });

  it('end where no pair is seen often enough', async () => {
    const { merges, leastCount } = await learnMerges(
      new Map([
        ['abab', 2],
        ['xyz', 1],
      ]),
      10,
      2,
    );
    expect(merges).toEqual([
      [97, 98],
      [256, 256],
    ]);
    expect(leastCount).toBe(2);
  });
});
