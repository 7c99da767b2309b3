/** About src/evals/perplexity/estimator.ts and src/diffusion/exact-count.ts: over seeds, as a run does it. */
import { describe, expect, it } from 'vitest';
import { packedTokens } from '../../../src/datasets/packed-tokens.js';
import { integration } from '../../../src/diffusion/integration.js';
import { noiseSchedule } from '../../../src/diffusion/schedule.js';
import { closedForm } from '../../../src/evals/calibration/closed-form.js';
import { LossSession } from '../../../src/evals/perplexity/loss-session.js';
import {
  type PerplexityOptions,
  zeroShotPerplexity,
} from '../../../src/evals/perplexity/zero-shot-perplexity.js';
import { studentQuantile95 } from '../../../src/statistics/student.js';
import { LENGTH, lossOfMasks, tableCheckpoint } from '../../samplers/table-network.js';
import { chain, chainSession, chainStream, chainText, options } from './chain-session.js';

const exactCount = { ...options, estimator: 'exact-count' } as const;

async function overSeeds(
  session: LossSession,
  stream: ReturnType<typeof chainStream>,
  seeds: number,
  changed: Partial<PerplexityOptions>,
) {
  const found: { value: number; half: number }[] = [];
  for (let seed = 1; seed <= seeds; seed++) {
    const estimate = await zeroShotPerplexity(session, stream, { ...exactCount, seed, ...changed });
    const { value, mcStderr } = estimate.metrics.nll;
    estimate.losses.close();
    // Both are there where anything is drawn.
    found.push({ value: value!, half: studentQuantile95(estimate.mcDegreesOfFreedom ?? 0) * mcStderr! });
  }
  const mean = found.reduce((sum, { value }) => sum + value, 0) / seeds;
  const variance = found.reduce((sum, { value }) => sum + (value - mean) ** 2, 0) / (seeds - 1);
  const covered = (truth: number) =>
    found.filter(({ value, half }) => Math.abs(value - truth) <= half).length / seeds;
  return { mean, variance, stderr: Math.sqrt(variance / seeds), covered };
}

describe.each(['log-linear', 'cosine'] as const)('of the exact model of a chain, %s schedule', (type) => {
  it.each([
    ['strict', 1, 3, 200],
    ['strict', 32, 1, 100],
    ['duo', 9, 5, 100],
    ['duo', 32, 4, 60],
  ] as const)('protocol %s, %i sequences, %i draws', async (protocol, sequences, draws, seeds) => {
    const session = await chainSession('mdlm', type);
    const { mean, stderr, covered } = await overSeeds(session, chainStream(sequences), seeds, {
      protocol,
      draws,
    });
    await session.close();
    const texts = chainText(sequences);
    const costOf = closedForm(chain, 'mdlm', integration(protocol, noiseSchedule({ type })));
    const truth = texts.reduce((sum, x) => sum + costOf(x).overRange, 0) / (sequences * texts[0].length);
    expect(Math.abs(mean - truth) / stderr).toBeLessThan(4);
    expect(covered(truth)).toBeGreaterThan(0.95 - 4 * Math.sqrt((0.95 * 0.05) / seeds));
  });
});

it('varies less than the default on short texts', async () => {
  const session = await chainSession('mdlm');
  const stream = chainStream(64, 8);
  const counts = await overSeeds(session, stream, 120, {});
  const byDefault = await overSeeds(session, stream, 120, { estimator: 'control-variate' });
  await session.close();
  expect(Math.abs(counts.mean - byDefault.mean)).toBeLessThan(
    4 * Math.hypot(counts.stderr, byDefault.stderr),
  );
  expect(byDefault.variance / counts.variance).toBeGreaterThan(1);
});

it.each([false, true])(
  'of an inexact network, reading the time: %s, the mean over all masks and levels',
  async (timed) => {
    const checkpoint = tableCheckpoint('mdlm', timed);
    const session = await LossSession.start({ checkpoint, provider: 'cpu', threads: 1 });
    const texts = [
      [0, 1, 2, 0],
      [2, 2, 1, 0],
      [1, 0, 0, 2],
    ];
    const stream = packedTokens(
      'table',
      texts.map((text) => Int32Array.from(text)),
    );
    const { mean, stderr, covered } = await overSeeds(session, stream, 60, { protocol: 'duo', draws: 16 });
    await session.close();
    // By the published times, masks one by one, and all 15 masks.
    const schedule = noiseSchedule({ type: 'log-linear' });
    const levels = integration('duo', schedule);
    const points = 20_000;
    let truth = 0;
    for (let i = 0; i < points; i++) {
      const { weight, oneMinusAlpha: m, sigma } = levels.at((i + 0.5) / points);
      for (const text of texts) truth += (weight * lossOfMasks(text, m, timed ? sigma : null)) / m / points;
    }
    truth /= texts.length * LENGTH;
    expect(Math.abs(mean - truth) / stderr).toBeLessThan(4);
    expect(stderr / truth).toBeLessThan(0.01);
    expect(covered(truth)).toBeGreaterThan(0.84);
  },
);
