import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import {
  compressionRatio,
  Diversity,
  repetition4,
  unigramEntropy,
} from '../../../src/evals/generation/diversity.js';
import { NGrams } from '../../../src/statistics/n-grams.js';

describe('unigram entropy', () => {
  it.each([
    ['one token over and over', [7, 7, 7, 7], 0],
    ['two tokens, half each', [1, 2, 2, 1], Math.LN2],
    ['a quarter, a quarter, a half', [5, 9, 3, 3], 1.5 * Math.LN2],
    ['all different', [0, 1, 2, 3, 4], Math.log(5)],
  ])('of %s', (_what, tokens, expected) => {
    expect(unigramEntropy(tokens)).toBeCloseTo(expected, 12);
  });
});

describe('distinct n-grams', () => {
  it('are counted over all samples, and none reaches from one into the next', () => {
    const grams = new NGrams(3);
    grams.add([1, 2, 1, 2]); // 12 21 12 · 121 212
    grams.add([2, 1, 2]); // 21 12 · 212
    grams.add([3]);
    expect(grams.distinct(1)).toBe(3 / 8);
    expect(grams.distinct(2)).toBe(2 / 5);
    expect(grams.distinct(3)).toBe(2 / 3);
  });

  it('are told apart where ids are large', () => {
    const grams = new NGrams(3);
    const [a, b] = [2 ** 26 - 1, 2 ** 26 - 2];
    grams.add([a, b, a, b, b]); // ab ba ab bb · aba bab abb
    expect(grams.distinct(2)).toBe(3 / 4);
    expect(grams.distinct(3)).toBe(1);
  });

  it('of too short texts are unknown', () => {
    const grams = new NGrams(3);
    grams.add([1, 2]);
    expect(grams.distinct(3)).toBeNull();
  });
});

describe('repetition-4', () => {
  it.each([
    ['a loop: 8 tokens, 5 4-grams, 2 of them different', [1, 2, 1, 2, 1, 2, 1, 2], 3 / 5],
    ['one token: 1 of 4 is new', [4, 4, 4, 4, 4, 4, 4], 3 / 4],
    ['no repetition', [1, 2, 3, 4, 5, 6], 0],
    ['four tokens', [1, 1, 1, 1], 0],
    ['three tokens', [1, 1, 1], null],
  ])('of %s', (_what, tokens, expected) => {
    const found = repetition4(tokens);
    if (expected === null) expect(found).toBeNull();
    else expect(found).toBeCloseTo(expected, 12);
  });
});

describe('the compression ratio', () => {
  it("is the texts' UTF-8 bytes, a line end after each, over those of deflate at level 9", () => {
    const diversity = new Diversity();
    diversity.add([1, 2], 'Größe, '.repeat(40));
    diversity.add([3, 4], 'Länge');
    const bytes = Buffer.from(`${'Größe, '.repeat(40)}\nLänge\n`);
    expect(diversity.metrics().compressionRatio.value).toBe(
      bytes.length / deflateSync(bytes, { level: 9 }).length,
    );
    expect(compressionRatio([])).toBeNull();
  });
});

describe('the figures of a set', () => {
  it('are means over samples with their standard error, but for those of the whole', () => {
    const diversity = new Diversity();
    diversity.add([1, 1, 1, 1, 1], 'a');
    diversity.add([1, 2, 3, 4, 5], 'b');
    const { entropy, repetition4: repeated, distinct1 } = diversity.metrics();
    expect(entropy.value).toBeCloseTo(Math.log(5) / 2, 12);
    // Of two values the standard error is half their distance.
    expect(entropy.stderr).toBeCloseTo(Math.log(5) / 2, 12);
    expect(repeated.value).toBeCloseTo(1 / 4, 12);
    expect(distinct1).toEqual({ value: 5 / 10, stderr: null, ci95: null });
    expect(Array.from(diversity.entropyOfSamples)).toHaveLength(2);
  });
});
