/** About src/evals/likelihood/scoring-session.ts, src/evals/likelihood/question-walks.ts */
import { describe, expect, it } from 'vitest';
import { properSubsets } from '../../../src/diffusion/subsets.js';
import type { ScoringSettings } from '../../../src/evals/likelihood/scored-questions.js';
import {
  openScoring,
  type ScoreRequest,
  scoreContinuations,
} from '../../../src/evals/likelihood/scoring-session.js';
import { openCheckpoint } from '../../../src/models/checkpoint.js';
import { type Exact, networkOf, off, oracle } from './likelihood-oracle.js';

/** Another build of the runtime moves a sum by some 1e-5 nats. */
const TOLERANCE = 1e-4;

interface Case extends Exact {
  n: number;
  context: number[];
  continuation: number[];
  withEosAfter: Exact & { tail: number[] };
}

const networks: { network: string; cases: Case[] }[] = oracle('B-continuations').networks;

async function scoresOf(network: string, requests: ScoreRequest[], settings: Partial<ScoringSettings>) {
  const checkpoint = await openCheckpoint(networkOf(network));
  const session = await openScoring({ checkpoint, provider: 'cpu', threads: 1, ...settings });
  const scores = await scoreContinuations(session, requests);
  await session.close();
  return scores;
}

describe.each(networks)('$network', ({ network, cases }) => {
  const plain = cases.map(({ context, continuation }) => ({ context, continuation }));
  const beforeEos = cases.map(({ context, continuation, withEosAfter: { tail } }) => ({
    ...{ context, continuation, tail },
  }));

  it('the chain rule from left to right takes a call for each token', async () => {
    const scores = await scoresOf(network, [...plain, ...beforeEos], {});
    for (const [i, { leftToRight, n, withEosAfter }] of cases.entries()) {
      expect(off(scores[i].logLikelihood, leftToRight)).toBeLessThan(TOLERANCE);
      expect(off(scores[cases.length + i].logLikelihood, withEosAfter.leftToRight)).toBeLessThan(TOLERANCE);
      expect(scores[i]).toMatchObject({ error: 0, calls: n, method: 'policy' });
    }
  });

  it('the evidence, over every order', async () => {
    const scores = await scoresOf(network, plain, { method: 'evidence' });
    for (const [i, { lnEvidence }] of cases.entries())
      expect(off(scores[i].logLikelihood, lnEvidence)).toBeLessThan(TOLERANCE);
  });

  it('the bound: exact where all subsets are no more calls than draws, else drawn with an error', async () => {
    const draws = 20;
    const scores = await scoresOf(network, plain, { method: 'bound', draws });
    let drawn = 0;
    for (const [i, { elbo, n }] of cases.entries()) {
      const { logLikelihood, error, calls } = scores[i];
      if (properSubsets(n) <= draws) {
        expect(off(logLikelihood, elbo)).toBeLessThan(TOLERANCE);
        expect(error).toBe(0);
      } else {
        drawn++;
        expect(error).toBeGreaterThan(0);
        expect(calls).toBe(draws);
        expect(off(logLikelihood, elbo) / error).toBeLessThan(6);
      }
    }
    expect(drawn).toBeGreaterThan(0);
  });
});
