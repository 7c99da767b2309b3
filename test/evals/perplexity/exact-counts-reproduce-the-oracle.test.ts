/**
 * Oracles D of test/oracles/likelihood, from an independent implementation: the loss of each of the 255 masks of 8 tokens, so that
 * means and variances of both ways of masking are exact.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packedTokens } from '../../../src/datasets/packed-tokens.js';
import { countPower, exactCounts } from '../../../src/diffusion/exact-count.js';
import { type Integration, integration } from '../../../src/diffusion/integration.js';
import { noiseSchedule } from '../../../src/diffusion/schedule.js';
import type { ModelCall } from '../../../src/evals/perplexity/loss-batch.js';
import { LossSession } from '../../../src/evals/perplexity/loss-session.js';
import { batchModelOf } from '../../../src/evals/perplexity/loss-source.js';
import { zeroShotPerplexity } from '../../../src/evals/perplexity/zero-shot-perplexity.js';
import { openCheckpoint } from '../../../src/models/checkpoint.js';
import { fixture, root } from '../../support/run.js';
import { options } from './chain-session.js';

interface ExactCase {
  input_ids: number[];
  nelbo: number;
  nelboByCount: number[];
  exactCountVariance: number;
  exactCountVarianceWithinK: number;
  bernoulliIntegralFrom1e3: number;
  lossOfMask: number[];
}

const LENGTH = 8;
const file = join(root, 'test/oracles/likelihood/D-masks.json.gz');
const { networks } = JSON.parse(gunzipSync(readFileSync(file)).toString()) as {
  networks: { network: string; exactL8: ExactCase[] }[];
};
const cases = networks[0].exactL8;

const schedule = noiseSchedule({ type: 'log-linear' });
const strict = integration('strict', schedule);
/** As the oracle's. */
const drawn = { schedule, readsTime: false, power: countPower.uniform };
/** The oracle's range: t from 1e-3 to 1 with 1−α = t, and not divided by its length. */
const from1e3: Integration = {
  ...strict,
  alphaRange: [0, 1 - 1e-3],
  oneMinusAlphaRange: [1, 1e-3],
  measure: 1,
};

const maskedIn = (mask: number) => [...mask.toString(2)].filter((bit) => bit === '1').length;
const masks = Array.from({ length: 2 ** LENGTH - 1 }, (_, i) => i + 1);

/** Mean and variance of one draw, and the mean over k of the variance given k. */
function moments(base: Integration, { lossOfMask }: ExactCase) {
  const counts = exactCounts(base, drawn);
  const byCount = Array.from({ length: LENGTH }, (_, i) => {
    const { weight, oneMinusAlpha } = counts.at((i + 0.5) / LENGTH, LENGTH);
    const values = masks.filter((mask) => maskedIn(mask) === i + 1);
    const losses = values.map((mask) => (weight * lossOfMask[mask - 1]) / oneMinusAlpha);
    const mean = losses.reduce((sum, value) => sum + value) / losses.length;
    const square = losses.reduce((sum, value) => sum + value ** 2, 0) / losses.length;
    return { mean, square };
  });
  const mean = byCount.reduce((sum, one) => sum + one.mean, 0) / LENGTH;
  const square = byCount.reduce((sum, one) => sum + one.square, 0) / LENGTH;
  const within = byCount.reduce((sum, one) => sum + one.square - one.mean ** 2, 0) / LENGTH;
  return { mean, variance: square - mean ** 2, within, byCount: byCount.map((one) => one.mean) };
}

const relative = (found: number, exact: number) => Math.abs(found / exact - 1);

describe.each(cases)('exact counts of a sequence of 8 tokens', (one) => {
  it('have the mean of the whole integral, over and at each count, and the variances', () => {
    const { mean, variance, within, byCount } = moments(strict, one);
    expect(relative(mean, one.nelbo)).toBeLessThan(1e-5);
    expect(relative(variance, one.exactCountVariance)).toBeLessThan(1e-4);
    expect(relative(within, one.exactCountVarianceWithinK)).toBeLessThan(1e-4);
    for (const [i, found] of byCount.entries())
      expect(relative(found, one.nelboByCount[i])).toBeLessThan(1e-5);
  });

  it('have the mean of a range that begins at 1e-3, which differs by more than the tolerance', () => {
    expect(relative(moments(from1e3, one).mean, one.bernoulliIntegralFrom1e3)).toBeLessThan(1e-5);
    expect(relative(one.nelbo, one.bernoulliIntegralFrom1e3)).toBeGreaterThan(5e-4);
  });
});

describe('the network', () => {
  let session: LossSession;
  beforeAll(async () => {
    const checkpoint = await openCheckpoint(fixture('markov-mdlm.onnx'));
    session = await LossSession.start({ checkpoint, provider: 'cpu', threads: 1 });
  });
  afterAll(() => session.close());

  it('loses under each drawn mask what the oracle says', async () => {
    const [one] = cases;
    const counts = exactCounts(strict, drawn);
    const x = Int32Array.from(one.input_ids);
    const model = batchModelOf(session.checkpoint, { seed: 1, wrapped: false });
    const calls: ModelCall[] = Array.from({ length: 64 }, (_, sequence) => {
      const level = counts.at((sequence + 0.5) / 64, LENGTH);
      return { sequence, draw: 0, x, level, byToken: true };
    });
    const seen = new Set<number>();
    for (const [i, { byToken }] of (await session.losses(calls, model)).entries()) {
      const { oneMinusAlpha, masked } = calls[i].level!; // given above
      const found = byToken!.reduce((sum, value) => sum + value * oneMinusAlpha, 0); // asked for above
      expect(byToken).toHaveLength(masked!); // exact counts have it
      const mask = masks.find(
        (m) => maskedIn(m) === masked && Math.abs(one.lossOfMask[m - 1] - found) < 1e-4 * Math.max(1, found),
      );
      expect(mask, `${masked} masks, ${found}`).toBeDefined();
      seen.add(mask!); // expected above
    }
    expect(seen.size).toBeGreaterThan(20);
  });

  it('is estimated to that mean, within the error that is stated', async () => {
    for (const one of cases) {
      const stream = packedTokens('oracle', [Int32Array.from(one.input_ids)]);
      const draws = { draws: 400, estimator: 'exact-count' } as const;
      const { metrics } = await zeroShotPerplexity(session, stream, { ...options, ...draws });
      const { value, mcStderr } = metrics.nll;
      expect(Math.abs(value! * LENGTH - one.nelbo) / (mcStderr! * LENGTH)).toBeLessThan(4); // drawn
      expect((mcStderr! * LENGTH) / one.nelbo).toBeLessThan(0.05); // drawn
    }
  });
});
