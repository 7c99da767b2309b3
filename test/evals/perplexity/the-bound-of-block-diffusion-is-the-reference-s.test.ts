/** About src/diffusion/heads/losses.ts, src/evals/perplexity/loss-batch.ts and src/diffusion/times.ts: block diffusion. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packedTokens } from '../../../src/datasets/packed-tokens.js';
import { integration } from '../../../src/diffusion/integration.js';
import { noiseSchedule } from '../../../src/diffusion/schedule.js';
import { LossSession } from '../../../src/evals/perplexity/loss-session.js';
import { zeroShotPerplexity } from '../../../src/evals/perplexity/zero-shot-perplexity.js';
import { blocksCheckpoint, expected } from '../../models/importers/published-blocks.js';
import { boundsOfBlocks } from './blocks-bound.js';
import { options } from './chain-session.js';

const texts: number[][] = expected.inputs.x_0;

let checkpoint: Awaited<ReturnType<typeof blocksCheckpoint>>;
let bounds: Awaited<ReturnType<typeof boundsOfBlocks>>;
beforeAll(async () => {
  checkpoint = await blocksCheckpoint();
  bounds = await boundsOfBlocks(checkpoint);
});
afterAll(() => bounds.close());

describe('with the noise of the reference', () => {
  it('every token costs what it costs there', async () => {
    for (const [b, x] of texts.entries()) {
      const found = await bounds.losses(expected.inputs.x_t[b], x, expected.inputs.t_per_block[b]);
      const due: number[] = expected.nelbo.nll_per_token[b];
      for (const [l, nats] of found.entries()) expect(Math.abs(nats - due[l])).toBeLessThan(2e-5);
      expect(found.reduce((sum, nats) => sum + nats, 0)).toBeCloseTo(expected.nelbo.sum_per_sequence[b], 4);
    }
  });
});

describe('over all noise', () => {
  it('the bound is that of the reference, block by block', async () => {
    for (const [b, x] of texts.entries()) {
      const found = await bounds.exactBounds(x, 0);
      for (const [block, nats] of found.entries())
        expect(nats).toBeCloseTo(expected.exact_nelbo.per_block[b][block], 4);
      const [withBosGiven] = await bounds.exactBounds(x, 1);
      expect(withBosGiven).toBeCloseTo(expected.exact_nelbo.per_block_ignore_bos[b][0], 4);
    }
  });

  it.each(['control-variate', 'plain'] as const)(
    'ppl estimates it, BOS given and unscored, with errors that hold: %s',
    async (estimator) => {
      const source = await LossSession.start({ checkpoint, provider: 'cpu', threads: 1 });
      try {
        const stream = packedTokens(
          'oracle',
          texts.map((x) => Int32Array.from(x)),
        );
        const { metrics, tokens } = await zeroShotPerplexity(source, stream, {
          ...options,
          estimator,
          draws: 400,
        });
        expect(tokens).toBe(30);
        const { value, mcStderr } = metrics.nll;
        const total: number[] = expected.exact_nelbo.sum_per_sequence_ignore_bos;
        const due = (total[0] + total[1]) / 30;
        expect(mcStderr).toBeLessThan(0.15);
        expect(Math.abs((value as number) - due) / (mcStderr as number)).toBeLessThan(4);
      } finally {
        await source.close();
      }
    },
  );

  it('protocol duo masks with probability t from 0.001 on, and weighs by 1/t', () => {
    const { at, measure } = integration('duo', noiseSchedule(checkpoint.schedule));
    expect(measure).toBeCloseTo(1 / 0.999, 12);
    for (const u of [0, 0.3, 1 - 2 ** -53]) {
      const { t, oneMinusAlpha, weight } = at(u);
      expect(t).toBeCloseTo(0.001 + 0.999 * u, 12);
      expect(oneMinusAlpha).toBe(t);
      expect(weight / oneMinusAlpha).toBeCloseTo(1 / (t as number), 9);
    }
  });
});
