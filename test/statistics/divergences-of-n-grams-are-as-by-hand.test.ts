import { describe, expect, it } from 'vitest';
import { uniform } from '../../src/random/uniforms.js';
import { divergenceOfTexts, jensenShannon } from '../../src/statistics/jensen-shannon.js';
import { numberedGrams } from '../../src/statistics/n-grams.js';
import { selfBleu } from '../../src/statistics/self-bleu.js';

describe('the Jensen–Shannon divergence', () => {
  it('is 0 of equal counts, ln 2 of disjoint ones, and else as its definition', () => {
    expect(jensenShannon([1, 2], [2, 4], [3, 6])).toBeCloseTo(0, 15);
    expect(jensenShannon([1, 0], [0, 5], [1, 5])).toBeCloseTo(Math.LN2, 15);
    const byHand =
      (0.75 * Math.log(1.2) + 0.25 * Math.log(2 / 3) + 0.5 * Math.log(0.8) + 0.5 * Math.log(4 / 3)) / 2;
    expect(jensenShannon([3, 1], [2, 2], [4, 4])).toBeCloseTo(byHand, 15);
  });

  it('has the spread over texts as its error', () => {
    const text = (i: number) =>
      Float64Array.from({ length: 20 }, (_, l) =>
        uniform({ seed: 5, stream: 0x60, sequence: i, step: 0 }, l) < 0.3 ? 0 : 1,
      );
    const at = (run: number) =>
      divergenceOfTexts(
        Array.from({ length: 12 }, (_, i) => text(100 * run + i)),
        Array.from({ length: 12 }, () => Float64Array.from({ length: 20 }, (_, l) => Number(l % 2 === 0))),
        2,
        { seed: 1 },
      );
    const runs = Array.from({ length: 60 }, (_, run) => at(run));
    const values = runs.map(({ value }) => value!);
    const mean = values.reduce((a, b) => a + b) / values.length;
    const spread = Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / (values.length - 1));
    const told = runs.reduce((a, { stderr }) => a + stderr!, 0) / runs.length;
    expect(told / spread).toBeGreaterThan(0.7);
    expect(told / spread).toBeLessThan(1.5);
  });

  it('has it, too, where most n-grams stand in one text, and drawing texts again says too little', () => {
    const text = (i: number) => {
      const u = (l: number) => uniform({ seed: 6, stream: 0x60, sequence: i, step: 0 }, l);
      const topic = Math.floor(4 * u(0));
      return Int32Array.from({ length: 60 }, (_, l) =>
        u(2 * l + 1) < 0.5 ? Math.floor(12 * u(2 * l + 2) ** 2) : 3 * topic + Math.floor(3 * u(2 * l + 2)),
      );
    };
    const runs = Array.from({ length: 100 }, (_, run) => {
      const grams = numberedGrams(
        Array.from({ length: 32 }, (_, i) => text(100 * run + i)),
        4,
      );
      const [p, q] = [grams.ofTexts[4].slice(0, 16), grams.ofTexts[4].slice(16)];
      return divergenceOfTexts(p, q, grams.sizes[4], { seed: 1, resamples: 60 });
    });
    const values = runs.map(({ value }) => value!);
    const mean = values.reduce((a, b) => a + b) / values.length;
    const spread = Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / (values.length - 1));
    const told = runs.reduce((a, { stderr }) => a + stderr!, 0) / runs.length;
    expect(mean).toBeGreaterThan(0.55); // ln 2 is 0.69
    expect(told / spread).toBeGreaterThan(0.9);
    expect(told / spread).toBeLessThan(1.5);
  });
});

describe('self-BLEU', () => {
  it('is 1 where all texts are equal, and by hand where two of three share a bigram', () => {
    expect(
      selfBleu(
        numberedGrams(
          [
            [1, 2, 3, 4, 5],
            [1, 2, 3, 4, 5],
          ],
          4,
        ),
      ).value,
    ).toBeCloseTo(1, 15);
    const texts = [
      [1, 2, 3, 4],
      [1, 2, 5, 6],
      [7, 8, 9, 10],
    ];
    // 2 of 4 unigrams, 1 of 3 bigrams, and 0.1 of 2 trigrams and of 1 four-gram; the third text shares nothing.
    const two = ((2 / 4) * (1 / 3) * (0.1 / 2) * (0.1 / 1)) ** 0.25;
    const none = ((0.1 / 4) * (0.1 / 3) * (0.1 / 2) * (0.1 / 1)) ** 0.25;
    expect(selfBleu(numberedGrams(texts, 4)).value).toBeCloseTo((2 * two + none) / 3, 12);
  });

  it('counts a match at most as often as another single text has it', () => {
    const { value } = selfBleu(
      numberedGrams(
        [
          [1, 1, 1, 1],
          [1, 1, 2, 3],
        ],
        1 + 3,
      ),
    );
    const first = ((2 / 4) * (1 / 3) * (0.1 / 2) * (0.1 / 1)) ** 0.25;
    const second = ((2 / 4) * (1 / 3) * (0.1 / 2) * (0.1 / 1)) ** 0.25;
    expect(value).toBeCloseTo((first + second) / 2, 12);
  });
});
