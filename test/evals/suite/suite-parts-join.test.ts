import { describe, expect, it } from 'vitest';
import type { FrontierResult } from '../../../src/evals/frontier/record.js';
import type { Result } from '../../../src/evals/registry.js';
import { mergeParts, type Part } from '../../../src/evals/suite/part-record.js';

/** A sweep, as far as joining looks at it. */
const swept = (name: string, tokensPerSecond: number, genPpl: number, more: object = {}) =>
  ({
    eval: 'frontier',
    model: { name, sha256: name },
    judge: { name: 'judge', sha256: 'judge' },
    tokenizerSha256: 'tokens',
    metrics: { genPpl: { value: genPpl } },
    tokensPerSecond,
    pareto: true,
    protocol: { seed: 1 },
    environment: { cpu: 'one', provider: 'cpu', threads: 2 },
    ...more,
  }) as unknown as Result;

const part = (path: string, held: [number, Result][], unneeded: number[] = [], cells = 3): Part => ({
  path,
  file: {
    schemaVersion: 1,
    suite: { name: 'suite', sha256: 'suite', cells, held: held.map(([index]) => index), unneeded },
    results: held.map(([, result]) => result),
    comparisons: [],
  },
});

const marks = (parts: Part[]) =>
  (mergeParts(parts).results as FrontierResult[]).map(({ model, pareto }) => [model.name, pareto]);

describe('parts of a suite', () => {
  it('mark one Pareto front over sweeps that are cells of their own', () => {
    const slow = swept('slow', 10, 20);
    const beaten = swept('beaten', 9, 30);
    const fast = swept('fast', 50, 40);
    expect(
      marks([
        part('b', [[1, beaten]]),
        part('a', [
          [0, slow],
          [2, fast],
        ]),
      ]),
    ).toEqual([
      ['slow', true],
      ['beaten', false],
      ['fast', true],
    ]);
  });

  it('mark none where speeds are of different machines, and one a seed', () => {
    const elsewhere = { environment: { cpu: 'other', provider: 'cpu', threads: 2 } };
    const otherSeed = { protocol: { seed: 2 } };
    expect(
      marks([
        part('a', [
          [0, swept('slow', 10, 20)],
          [2, swept('again', 9, 30, otherSeed)],
        ]),
        part('b', [[1, swept('fast', 50, 40, elsewhere)]]),
      ]),
    ).toEqual([
      ['slow', null],
      ['fast', null],
      ['again', true],
    ]);
  });

  it('set no sweeps of different lengths, or at different entropies, against each other', () => {
    const longer = { length: 64, target: { entropy: 2.6, dataset: null } };
    const elsewhere = { length: 32, target: { entropy: 2.7, dataset: null } };
    expect(
      marks([
        part('a', [[0, swept('best', 50, 10, { length: 32, target: { entropy: 2.6, dataset: null } })]]),
        part('b', [
          [1, swept('longer', 9, 30, longer)],
          [2, swept('elsewhere', 9, 30, elsewhere)],
        ]),
      ]),
    ).toEqual([
      ['best', true],
      ['longer', true],
      ['elsewhere', true],
    ]);
  });

  it('keep the results of one cell together, in their order', () => {
    const [first, second, third] = ['first', 'second', 'third'].map((name) => swept(name, 1, 1));
    const file = mergeParts([
      part('b', [[2, third]], [0]),
      part('a', [
        [1, first],
        [1, second],
      ]),
    ]);
    expect(file.suite).toMatchObject({ held: [1, 1, 2], unneeded: [0] });
    expect(file.results.map((result) => result.model?.name)).toEqual(['first', 'second', 'third']);
  });

  it('are refused where a cell is in two, or sweeps read other tokens or were judged by another', () => {
    const own = swept('own', 1, 1);
    expect(() => mergeParts([part('a', [[0, own]], [2]), part('b', [[0, own]], [1])])).toThrow(
      'both hold cell 1',
    );
    for (const [more, message] of [
      [{ tokenizerSha256: 'others' }, 'The tokenizer of the sweeps is not the same file'],
      [{ judge: { name: 'judge', sha256: 'another' } }, 'Judge judge is not the same file'],
    ] as const)
      expect(() =>
        mergeParts([part('a', [[0, own]], [2]), part('b', [[1, swept('other', 1, 1, more)]])]),
      ).toThrow(message);
  });
});
