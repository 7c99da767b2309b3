/** About src/evals/perplexity/orders-walk.ts, src/evals/perplexity/policy-session.ts */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OVER_ORDERS } from '../../../src/diffusion/subsets.js';
import { runLikelihoods } from '../../../src/evals/likelihood/run.js';
import {
  checkLikelihood,
  type ExactLikelihoodSettings,
  exactLikelihood,
} from '../../../src/evals/perplexity/exact-likelihood.js';
import { batchModelOf } from '../../../src/evals/perplexity/loss-source.js';
import { PolicySession } from '../../../src/evals/perplexity/policy-session.js';
import { type Checkpoint, openCheckpoint } from '../../../src/models/checkpoint.js';
import { fixture } from '../../support/run.js';
import { texts, tinyBlocks } from './tiny-blocks.js';

let checkpoint: Checkpoint;
const closing: (() => Promise<void>)[] = [];
beforeAll(async () => {
  checkpoint = await tinyBlocks();
});
afterAll(() => Promise.all(closing.map((close) => close())));

async function sessionOf(settings: Partial<ExactLikelihoodSettings>) {
  const likelihood = exactLikelihood({ policy: 'random', from: 'all-masked', ...settings });
  const session = await PolicySession.start({ checkpoint, provider: 'cpu', threads: 1 }, likelihood, 81);
  closing.push(() => session.close());
  const calls = texts.map((x, sequence) => ({ sequence, draw: 0, x, level: null, path: true }));
  return ({ seed = 1, wrapped = false } = {}) =>
    session.losses(calls, batchModelOf(checkpoint, { seed, wrapped }));
}
const overOrders = async (kind: (typeof OVER_ORDERS)[number], more: { wrapped?: boolean } = {}) =>
  (await sessionOf({ overOrders: kind }))(more);
const logMean = (values: readonly number[]) =>
  Math.log(values.reduce((sum, value) => sum + Math.exp(value), 0) / values.length);

describe('a network of blocks of 2, all 81 texts', () => {
  it('has an evidence that is a distribution, between the bounds, in 3 calls', async () => {
    const [bound, evidence, upper] = await Promise.all(OVER_ORDERS.map((kind) => overOrders(kind)));
    expect(evidence.reduce((sum, { nats }) => sum + Math.exp(-nats), 0)).toBeCloseTo(1, 6);
    for (const [i, { nats, calls }] of evidence.entries()) {
      expect(calls).toBe(3);
      expect(-bound[i].nats).toBeLessThan(-nats);
      expect(-nats).toBeLessThanOrEqual(-upper[i].nats + 1e-12);
    }
    expect(bound.reduce((sum, { nats }) => sum + Math.exp(-nats), 0)).toBeLessThan(0.9999);
  });

  it('has the mean over both orders of each block, each followed by itself, and the better as ψ', async () => {
    /** By text and block: ln p by order. */
    const found = texts.map(() => [new Map<boolean, number>(), new Map<boolean, number>()]);
    const oneOrder = await sessionOf({});
    for (let seed = 1; seed <= 16; seed++)
      for (const [i, { path }] of (await oneOrder({ seed })).entries()) {
        // asked for above
        const { order, logProbability } = path!;
        for (const [b, orders] of found[i].entries())
          orders.set(
            order.indexOf(2 * b) < order.indexOf(2 * b + 1),
            Number(logProbability[2 * b]) + Number(logProbability[2 * b + 1]),
          );
      }
    const [bound, evidence, upper] = await Promise.all(OVER_ORDERS.map((kind) => overOrders(kind)));
    for (const [i, blocks] of found.entries()) {
      const values = blocks.map((orders) => [...orders.values()]);
      expect(values.map(({ length }) => length)).toEqual([2, 2]);
      expect(-evidence[i].nats).toBeCloseTo(logMean(values[0]) + logMean(values[1]), 6);
      expect(-bound[i].nats).toBeCloseTo(
        values.flat().reduce((sum, value) => sum + value / 2, 0),
        6,
      );
      // ψ is the better of the two orders, so that the upper bound is never above it.
      const psi = values.map((both) => Math.max(...both));
      const tangents = psi.map((ln, b) => ln + Math.exp(logMean(values[b]) - ln) - 1);
      expect(-upper[i].nats).toBeCloseTo(tangents[0] + tangents[1], 6);
      expect(-upper[i].nats).toBeLessThanOrEqual(psi[0] + psi[1] + 1e-9);
    }
  });

  it('counts its text without the tokens that wrap it, which are then masked', async () => {
    const found = await overOrders('evidence', { wrapped: true });
    const mask = checkpoint.maskTokenId as number;
    const items = texts.map(([, b, c]) => ({
      tokens: Int32Array.of(mask, b, c, mask),
      ...{ first: 1, count: 1, tail: 'masked' as const },
    }));
    const lasts = texts.map(([a, b, c]) => ({
      tokens: Int32Array.of(a, b, c, mask),
      ...{ first: 2, count: 1, tail: 'masked' as const },
    }));
    const asked = {
      checkpoint,
      subsetsUpTo: 12,
      longer: null,
      batch: null,
      provider: 'cpu',
      fresh: true,
    } as const;
    const firsts = await runLikelihoods({ ...asked, items });
    const seconds = await runLikelihoods({ ...asked, items: lasts });
    for (const [i, { textNats }] of found.entries()) {
      const [first, second] = [firsts.likelihoods[i], seconds.likelihoods[i]];
      if (first.method !== 'subsets' || second.method !== 'subsets') throw new Error('not by subsets');
      expect(-textNats).toBeCloseTo(first.evidence + second.evidence, 6);
    }
    firsts.finish();
    seconds.finish();
  });
});

it('is refused where more than 12 tokens are unknown together, with the reason', async () => {
  const mdlm = await openCheckpoint(fixture('mdlm.onnx'));
  const likelihood = exactLikelihood({ policy: 'random', overOrders: 'upper-bound' });
  expect(likelihood.psi).toBe('best');
  const stream = { name: 'sotu', length: 128, wrapped: true };
  expect(() => checkLikelihood(mdlm, stream, likelihood)).toThrow(/^127 tokens of mdlm .* up to 12/);
  expect(() => exactLikelihood({ policy: 'margin', overOrders: 'bound' })).toThrow('one by one');
});
