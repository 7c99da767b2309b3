/**
 * A model whose answer is one distribution, whatever z is: its losses are summed here in double precision, its cost is known
 * in closed form, and the control variate explains nearly all of its spread. What is left shows an error of 3 in a
 * thousand in the mean that is put back.
 */
import { expect, it } from 'vitest';
import {
  controlVariateExpectation,
  maskedControlVariate,
  uniformControlVariate,
} from '../../../src/diffusion/control-variate.js';
import { integration } from '../../../src/diffusion/integration.js';
import { noiseSchedule } from '../../../src/diffusion/schedule.js';
import { exactCheckpoint } from '../../../src/evals/calibration/run.js';
import { noisyTokens } from '../../../src/evals/perplexity/loss-batch.js';
import type { LossSource } from '../../../src/evals/perplexity/loss-source.js';
import { zeroShotPerplexity } from '../../../src/evals/perplexity/zero-shot-perplexity.js';
import { chain, chainStream, options } from './chain-session.js';

const K = chain.vocabSize;
const stream = chainStream(48, 16);
/** Near the unigram, as a poor model is. */
const weights = Float64Array.from({ length: K }, (_, v) => {
  const count = stream.unigramCounts()[v] ?? 0;
  return (count + 1) ** 0.9 * (1 + (v % 3) / 10);
});
const answer = weights.map((w) => w / weights.reduce((a, b) => a + b, 0));

it.each(
  (['mdlm', 'duo'] as const).flatMap((family) =>
    (['duo', 'strict'] as const).map((protocol) => ({ family, protocol })),
  ),
)('$family, protocol $protocol', async ({ family, protocol }) => {
  const checkpoint = exactCheckpoint({ name: 'chain', chain }, family, 'log-linear');
  const control =
    family === 'mdlm'
      ? maskedControlVariate(Float64Array.of(...answer, 0), K)
      : uniformControlVariate(answer);
  const source: LossSource = {
    checkpoint,
    async losses(calls, model) {
      return calls.map((call) => {
        const { x, sequence, draw, level } = call;
        const z = noisyTokens(new Int32Array(x.length), call, model);
        const losses = control.losses(new Float64Array(x.length), x, z, level!);
        const nats = level!.weight * losses.reduce((a, b) => a + b, 0);
        const byToken = call.byToken ? Float32Array.from(losses.filter((_, l) => z[l] === K)) : undefined;
        return { sequence, draw, nats, textNats: nats, calls: 1, byToken };
      });
    },
  };
  const range = integration(protocol, noiseSchedule({ type: 'log-linear' }));
  let expected = 0;
  for (let i = 0; i < 48; i++)
    expected += controlVariateExpectation(control, stream.sequence(i), range) / (48 * 16);
  const seeds = 300;
  const figures = { 'control-variate': [] as number[], plain: [] as number[] };
  for (let seed = 1; seed <= seeds; seed++) {
    for (const estimator of ['control-variate', 'plain'] as const) {
      const { metrics } = await zeroShotPerplexity(source, stream, { ...options, protocol, estimator, seed });
      figures[estimator].push(metrics.nll.value!);
    }
  }
  for (const values of Object.values(figures)) {
    const mean = values.reduce((sum, value) => sum + value, 0) / seeds;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (seeds - 1);
    expect(Math.abs(mean - expected) / Math.sqrt(variance / seeds)).toBeLessThan(4);
    if (values === figures['control-variate']) {
      expect(Math.sqrt(variance / seeds) / expected).toBeLessThan(0.0005);
    }
  }
});
