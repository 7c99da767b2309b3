/** A ratio over running text: its unit, its error by hand, and what there is no interval of. */
import { describe, expect, it } from 'vitest';
import { numbersOf } from '../../src/statistics/numbers.js';
import { studentQuantile95 } from '../../src/statistics/student.js';
import { blockLengthOf, textRatio } from '../../src/statistics/text-ratio.js';

const ones = (n: number) => new Float64Array(n).fill(1);

describe('over documents', () => {
  const documents = 24;
  const documentOf = Float64Array.from({ length: 3 * documents }, (_, i) => Math.floor(i / 3));
  const y = documentOf.map((d, i) => 4 + Math.sin(d * d) + 0.1 * Math.cos(i * i));

  it('is the variance between their means, with one degree of freedom less than there are', () => {
    const means = Array.from({ length: documents }, (_, d) => (y[3 * d] + y[3 * d + 1] + y[3 * d + 2]) / 3);
    const mean = means.reduce((a, b) => a + b) / documents;
    const squares = means.reduce((sum, one) => sum + (one - mean) ** 2, 0);
    const stderr = Math.sqrt(squares / (documents * (documents - 1)));
    const found = textRatio(y, ones(y.length), documentOf, 1);
    expect(found).toMatchObject({ unit: 'document', units: documents, blockLength: null });
    expect(found.value).toBeCloseTo(mean, 12);
    expect(found.stderr).toBeCloseTo(stderr, 12);
    expect(found.ci95![1] - mean).toBeCloseTo(studentQuantile95(documents - 1) * stderr, 12);
    expect(found.effectiveUnits).toBeCloseTo(documents, 9);
    expect(found.designEffect!).toBeGreaterThan(2);
  });

  it('of different sizes is the jackknife, with fewer effective ones', () => {
    const sizes = Array.from({ length: 30 }, (_, d) => 1 + (d % 7));
    const of = Float64Array.from(sizes.flatMap((size, d) => Array<number>(size).fill(d)));
    const values = of.map((d, i) => 2 + Math.cos(d * d + 1) + 0.2 * Math.sin(3 * i));
    const found = textRatio(values, ones(of.length), of, 1);
    const without = sizes.map((_, d) => {
      const rest = values.filter((_one, i) => of[i] !== d);
      return rest.reduce((a, b) => a + b) / rest.length;
    });
    // Leaving one out moves the ratio to R − E/(X − X_g), so these are the jackknife's values themselves.
    const squares = without.reduce((sum, one) => sum + (one - found.value!) ** 2, 0);
    expect(found.stderr).toBeCloseTo(Math.sqrt((29 / 30) * squares), 12);
    const power = (k: number) => sizes.reduce((sum, size) => sum + size ** k, 0);
    expect(found.effectiveUnits).toBeCloseTo(power(1) ** 2 / power(2), 9);
  });

  it('of which there are fewer than 20, tries blocks inside them, and the wider interval counts', () => {
    const of = Float64Array.from({ length: 200 }, (_, i) => Math.floor(i / 20));
    const topics = of.map((d) => Math.sin(7 * d));
    const alike = textRatio(topics, ones(200), of, 4);
    expect(alike).toMatchObject({ unit: 'document', units: 10 });
    // Inside a document it goes up and down in stretches; documents are all the same.
    const waves = of.map((_, i) => (Math.floor(i / 5) % 2 === 0 ? 1 : -1) + 0.01 * Math.sin(i * i));
    expect(textRatio(waves, ones(200), of, 5)).toMatchObject({ unit: 'block', units: 40, blockLength: 5 });
  });
});

describe('over blocks', () => {
  it('is never over fewer than 20 where there are that many sequences', () => {
    const y = Float64Array.from({ length: 410 }, (_, i) => Math.sin(i / 60));
    expect(textRatio(y, ones(410), null, 1000)).toMatchObject({ unit: 'block', units: 20, blockLength: 20 });
    const few = textRatio(y.subarray(0, 12), ones(12), null, 1000);
    expect(few).toMatchObject({ units: 12, blockLength: 1 });
  });

  it('of independent sequences is about that of each by itself', () => {
    let state = 1;
    const next = () => {
      state = (state * 48271) % 2147483647;
      return state / 2147483647;
    };
    const y = Float64Array.from({ length: 4000 }, next);
    const length = blockLengthOf(y, ones(4000));
    expect(length).toBeLessThan(12);
    const { designEffect, stderr } = textRatio(y, ones(4000), null, length);
    expect(designEffect!).toBeGreaterThan(0.8);
    expect(designEffect!).toBeLessThan(1.35);
    expect(stderr! / Math.sqrt(1 / 12 / 4000)).toBeGreaterThan(0.9);
  });
});

describe('with too few units', () => {
  it.each([1, 2])('%i sequences or documents give no interval', (count) => {
    const none = { stderr: null, ci95: null, designEffect: null, units: count };
    const y = ones(count).map((_, i) => i);
    expect(textRatio(y, ones(count), null, 1)).toMatchObject(none);
    const documents = y.slice();
    expect(textRatio(y, ones(count), documents, 1)).toMatchObject(none);
  });

  it('documents give none, but blocks inside two long ones do', () => {
    const of = Float64Array.from({ length: 60 }, (_, i) => Math.floor(i / 30));
    const y = of.map((_, i) => Math.sin(i * i));
    expect(textRatio(y, ones(60), of, 3)).toMatchObject({ unit: 'block', units: 20 });
    expect(textRatio(y, ones(60), of, 3).ci95).not.toBeNull();
  });

  it('and no tokens at all there is no value either', () => {
    expect(
      textRatio(
        ones(3),
        numbersOf(3, () => 0),
        null,
        1,
      ),
    ).toMatchObject({ value: null, ci95: null });
  });
});
