import { describe, expect, it } from 'vitest';
import { countedTargets, judgeWindows } from '../../../src/evals/generation/calls.js';

const EOS = 9;
const counted = (window: number[], eos: number | null = EOS) =>
  countedTargets(window, eos)
    .map((one, l) => (one ? l + 1 : 0))
    .filter((l) => l > 0);

describe('counted targets', () => {
  it.each([
    ['all without an EOS', [1, 2, 3, 4], [1, 2, 3]],
    ['the first EOS and not the second', [1, 9, 2, 9, 3], [1, 2, 4]],
    ['no EOS after one at position 0, which is no target', [9, 1, 9, 2, 9], [1, 3]],
    ['the first of a run', [1, 9, 9, 9], [1]],
    ['nothing of EOS alone', [9, 9, 9], []],
  ])('are %s', (_what, window, positions) => {
    expect(counted(window)).toEqual(positions);
  });

  it('are all where the judge has no EOS', () => {
    expect(counted([1, 9, 9], null)).toEqual([1, 2]);
  });
});

describe('windows', () => {
  const lengths = (ids: number, context: number) =>
    judgeWindows(new Int32Array(ids), context).map((window) => window.length);

  it.each([
    [10, 10, [10]],
    [10, 4, [4, 4, 2]],
    [9, 4, [4, 4]],
    [3, 1024, [3]],
    [1, 4, []],
    [0, 4, []],
  ])('of %i tokens in a context of %i have the lengths %j', (ids, context, expected) => {
    expect(lengths(ids, context)).toEqual(expected);
  });

  it('hold the tokens in their order', () => {
    const windows = judgeWindows(Int32Array.of(5, 6, 7, 8, 9), 3);
    expect(windows.map((window) => Array.from(window))).toEqual([
      [5, 6, 7],
      [8, 9],
    ]);
  });
});
