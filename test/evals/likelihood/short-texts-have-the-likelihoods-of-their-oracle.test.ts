/** About src/evals/likelihood/ */
import { beforeAll, describe, expect, it } from 'vitest';
import { properSubsets } from '../../../src/diffusion/subsets.js';
import type { LikelihoodRecord } from '../../../src/evals/likelihood/record.js';
import { conditionalLikelihood } from '../../../src/library/likelihood.js';
import { distance, type Exact, networkOf, off, oracle } from './likelihood-oracle.js';

/** Another build of the runtime moves a sum by some 1e-5 nats. */
const TOLERANCE = 1e-4;

interface Case extends Exact {
  n: number;
  context: number[];
  continuation: number[];
  withEosAfter: Exact & { tail: number[] };
  lnpBySubset?: (number | null)[][];
}

interface Bracket {
  tube: { leftToRight: number };
  sdOfLnPOfOneOrder: number;
  relativeSdOfOneOrder: number;
}

const brackets: { network: string; cases: Bracket[] }[] = oracle('C-bracket').networks;
const networks: { network: string; cases: Case[] }[] = oracle('B-continuations').networks;

describe.each(networks)('$network', ({ network, cases }) => {
  let records: LikelihoodRecord[];
  let followedByEos: LikelihoodRecord[];
  beforeAll(async () => {
    const prompts = [
      ...cases.map(({ context, continuation }) => ({ context, continuation })),
      ...cases.map(({ context, continuation, withEosAfter: { tail } }) => ({ context, continuation, tail })),
    ];
    const all = await conditionalLikelihood({
      ...{ model: networkOf(network), threads: 1, bySubset: true },
      prompts,
    });
    [records, followedByEos] = [all.slice(0, cases.length), all.slice(cases.length)];
  });

  it('evidence, bound and orders', () => {
    for (const [i, record] of records.entries()) {
      const expected = cases[i];
      expect(distance(record, expected)).toBeLessThan(TOLERANCE);
      expect(record.modelCalls).toBe(properSubsets(expected.n));
      // An exact network gives every order the same probability, and rounding chooses.
      if (network.startsWith('markov')) continue;
      expect(record.best?.order).toEqual(expected.bestOrder);
      expect(record.worst?.order).toEqual(expected.worstOrder);
    }
  });

  it('each token given each subset', () => {
    const pairs = cases.flatMap(({ lnpBySubset }, i) =>
      (lnpBySubset ?? []).flatMap((row, S) =>
        row.map((value, j) => [records[i].bySubset?.[S][j], value] as const),
      ),
    );
    expect(pairs.length).toBeGreaterThan(0);
    for (const [found, value] of pairs) {
      if (value === null) expect(found).toBeNull();
      else expect(found).toSatisfy((number: number) => Math.abs(number - value) < TOLERANCE);
    }
  });

  it('with one revealed EOS after the continuation', () => {
    for (const [i, record] of followedByEos.entries())
      expect(distance(record, cases[i].withEosAfter)).toBeLessThan(TOLERANCE);
  });

  it('the bracket, and the deviations over orders', () => {
    // every network of set B is in set C, with the same cases
    const bracket = brackets.find((one) => one.network === network)!;
    for (const [i, { bound, evidence, upperBound, sdOfLog, relativeSd }] of records.entries()) {
      const { tube, sdOfLnPOfOneOrder, relativeSdOfOneOrder } = bracket.cases[i];
      const known = evidence ?? Number.NaN;
      expect(bound).toBeLessThanOrEqual(known + 1e-9);
      expect(upperBound?.value).toBeGreaterThanOrEqual(known);
      // A bound far above grows with the exponential of the rounding.
      const scale = Math.max(1, Math.abs(tube.leftToRight));
      expect(off(upperBound?.value, tube.leftToRight) / scale).toBeLessThan(TOLERANCE);
      expect(off(sdOfLog, sdOfLnPOfOneOrder)).toBeLessThan(TOLERANCE);
      const relative = off(relativeSd, relativeSdOfOneOrder) / (1 + relativeSdOfOneOrder);
      expect(relative).toBeLessThan(TOLERANCE);
    }
  });
});
