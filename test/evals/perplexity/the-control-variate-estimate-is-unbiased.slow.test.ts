/**
 * Over seeds the default estimator's mean is what the exact model of a chain must cost, and its spread is a fraction of
 * the plain estimator's: with enough sequences to learn from, with too few, and with more draws than one.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { integration } from '../../../src/diffusion/integration.js';
import { noiseSchedule } from '../../../src/diffusion/schedule.js';
import { closedForm } from '../../../src/evals/calibration/closed-form.js';
import type { LossSession } from '../../../src/evals/perplexity/loss-session.js';
import {
  type PerplexityOptions,
  zeroShotPerplexity,
} from '../../../src/evals/perplexity/zero-shot-perplexity.js';
import { chain, chainSession, chainStream, chainText, options } from './chain-session.js';

interface Spread {
  mean: number;
  variance: number;
  stderr: number;
}

function spreadOf(values: number[]): Spread {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
  return { mean, variance, stderr: Math.sqrt(variance / values.length) };
}

describe.each([
  ['mdlm', 'log-linear'],
  ['mdlm', 'cosine'],
  ['sedd', 'log-linear'],
  ['duo', 'log-linear'],
  ['duo', 'cosine'],
] as const)('%s, %s schedule', (family, schedule) => {
  let session: LossSession;
  beforeAll(async () => {
    session = await chainSession(family, schedule);
  });
  afterAll(() => session.close());

  /** nats per token, over seeds. */
  async function overSeeds(sequences: number, seeds: number, changed: Partial<PerplexityOptions> = {}) {
    const stream = chainStream(sequences);
    const values: number[] = [];
    for (let seed = 1; seed <= seeds; seed++) {
      const { metrics } = await zeroShotPerplexity(session, stream, { ...options, seed, ...changed });
      values.push(metrics.nll.value!);
    }
    return spreadOf(values);
  }

  function expected(sequences: number, protocol: 'duo' | 'strict' = 'strict'): number {
    const texts = chainText(sequences);
    const costOf = closedForm(chain, family, integration(protocol, noiseSchedule({ type: schedule })));
    const total = texts.reduce((sum, x) => sum + costOf(x).overRange, 0);
    return total / texts.reduce((sum, x) => sum + x.length, 0);
  }

  it.each([
    [1, 400],
    [3, 300],
    [32, 120],
  ])('%i sequences, one draw: the mean over %i seeds is the closed form', async (sequences, seeds) => {
    const { mean, stderr } = await overSeeds(sequences, seeds);
    expect(Math.abs(mean - expected(sequences)) / stderr).toBeLessThan(4);
  });

  it('five draws, protocol duo, 9 sequences', async () => {
    const { mean, stderr } = await overSeeds(9, 100, { draws: 5, protocol: 'duo' });
    expect(Math.abs(mean - expected(9, 'duo')) / stderr).toBeLessThan(4);
  });

  it('varies far less than plain', async () => {
    const [plain, controlled] = [
      await overSeeds(32, 80, { estimator: 'plain', protocol: 'duo' }),
      await overSeeds(32, 80, { protocol: 'duo' }),
    ];
    expect(plain.variance / controlled.variance).toBeGreaterThan(2);
    expect(controlled.stderr).toBeGreaterThan(0);
  });
});
