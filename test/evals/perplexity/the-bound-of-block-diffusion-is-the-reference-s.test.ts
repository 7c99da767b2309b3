/** About src/diffusion/heads/losses.ts, src/evals/perplexity/loss-batch.ts and src/diffusion/times.ts: block diffusion. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packedTokens } from '../../../src/datasets/packed-tokens.js';
import { HEAD } from '../../../src/diffusion/heads/head.js';
import { appendLossHead } from '../../../src/diffusion/heads/losses.js';
import { integration } from '../../../src/diffusion/integration.js';
import { noiseSchedule } from '../../../src/diffusion/schedule.js';
import { LossSession } from '../../../src/evals/perplexity/loss-session.js';
import { zeroShotPerplexity } from '../../../src/evals/perplexity/zero-shot-perplexity.js';
import { networkFeeds } from '../../../src/models/feeds.js';
import { startHeadSession } from '../../../src/models/head-session.js';
import type { ModelSession } from '../../../src/models/session.js';
import { blocksCheckpoint, expected } from '../../models/importers/published-blocks.js';
import { options } from './chain-session.js';

const { block_size: L, mask_token_id: MASK } = expected;
const texts: number[][] = expected.inputs.x_0;

let session: ModelSession;
let checkpoint: Awaited<ReturnType<typeof blocksCheckpoint>>;
beforeAll(async () => {
  checkpoint = await blocksCheckpoint();
  const graph = checkpoint.graph();
  appendLossHead(graph, 'bd3lm', { logits: 'logits', vocabSize: 62, maskTokenId: MASK });
  session = await startHeadSession(graph, { checkpoint, provider: 'cpu', threads: 1 });
});
afterAll(() => session.close());

/** Nats of each token, 0 where it is not masked. @param times of each block */
async function losses(z: number[], x: number[], times: readonly number[]): Promise<number[]> {
  const masked = [...z.keys()].filter((l) => z[l] === MASK);
  const feeds = {
    ...networkFeeds(checkpoint.signature, {
      inputIds: BigInt64Array.from([...z, ...x], BigInt),
      batch: 1,
      length: 2 * x.length,
      noisyWidth: x.length,
      sigma: Float32Array.of(0),
    }),
    [HEAD.rows]: {
      type: 'int64',
      data: BigInt64Array.from(
        masked.flatMap((l) => [0, l]),
        BigInt,
      ),
      dims: [masked.length, 2],
    },
    [HEAD.targets]: {
      type: 'int64',
      data: BigInt64Array.from(masked, (l) => BigInt(x[l])),
      dims: [masked.length],
    },
    [HEAD.oneMinusAlpha]: {
      type: 'float64',
      data: Float64Array.from(masked, (l) => times[Math.floor(l / L)]),
      dims: [masked.length],
    },
  } as const;
  const found = (await session.run(feeds, { label: 'oracle' }))[HEAD.loss].data as Float32Array;
  return x.map((_, l) => (masked.includes(l) ? found[masked.indexOf(l)] : 0));
}

describe('with the noise of the reference', () => {
  it('every token costs what it costs there', async () => {
    for (const [b, x] of texts.entries()) {
      const found = await losses(expected.inputs.x_t[b], x, expected.inputs.t_per_block[b]);
      const due: number[] = expected.nelbo.nll_per_token[b];
      for (const [l, nats] of found.entries()) expect(Math.abs(nats - due[l])).toBeLessThan(2e-5);
      expect(found.reduce((sum, nats) => sum + nats, 0)).toBeCloseTo(expected.nelbo.sum_per_sequence[b], 4);
    }
  });
});

const factorial = (n: number): number => (n < 2 ? 1 : n * factorial(n - 1));

/** The bound of each block, from all masks. @param first the first token that is ever masked: 1 where BOS is given */
async function exactBounds(x: number[], first: number): Promise<number[]> {
  const bounds = new Array<number>(x.length / L).fill(0);
  for (let subset = 1; subset < 2 ** L; subset++) {
    const isMasked = (l: number) => ((subset >> (l % L)) & 1) === 1;
    if (isMasked(0) && first > 0) continue; // the other blocks have this subset's share in what follows
    const nats = await losses(
      x.map((token, l) => (isMasked(l) ? MASK : token)),
      x,
      bounds.map(() => 1),
    );
    const k = Array.from({ length: L }, (_, l) => l).filter(isMasked).length;
    const size = L - first;
    const share = (factorial(k - 1) * factorial(size - k)) / factorial(size);
    for (const [l, value] of nats.entries()) bounds[Math.floor(l / L)] += share * value;
  }
  return bounds;
}

describe('over all noise', () => {
  it('the bound is that of the reference, block by block', async () => {
    for (const [b, x] of texts.entries()) {
      const found = await exactBounds(x, 0);
      for (const [block, nats] of found.entries())
        expect(nats).toBeCloseTo(expected.exact_nelbo.per_block[b][block], 4);
      const [withBosGiven] = await exactBounds(x, 1);
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
