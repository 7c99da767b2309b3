/**
 * About src/diffusion/times.ts: over seeds, the bound of block diffusion scatters around the exact one as its draw error says.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { packedTokens } from '../../../src/datasets/packed-tokens.js';
import { LossSession } from '../../../src/evals/perplexity/loss-session.js';
import { zeroShotPerplexity } from '../../../src/evals/perplexity/zero-shot-perplexity.js';
import { blocksCheckpoint } from '../../models/importers/published-blocks.js';
import { boundsOfBlocks } from './blocks-bound.js';
import { options } from './chain-session.js';

const texts = Array.from({ length: 16 }, (_, i) =>
  Int32Array.from({ length: 16 }, (_, l) => (7 * i + 13 * l * l + 5 * i * l) % 61),
);
let source: LossSession;
let truth = 0;
beforeAll(async () => {
  const checkpoint = await blocksCheckpoint();
  const bounds = await boundsOfBlocks(checkpoint);
  for (const x of texts) {
    const [[ofFirst], whole] = [await bounds.exactBounds([...x], 1), await bounds.exactBounds([...x], 0)];
    truth += (ofFirst + whole.slice(1).reduce((sum, nats) => sum + nats, 0)) / (16 * 15);
  }
  await bounds.close();
  source = await LossSession.start({ checkpoint, provider: 'cpu', threads: 1 });
});
afterAll(() => source.close());

it.each(['control-variate', 'plain'] as const)('%s', async (estimator) => {
  const stream = packedTokens('texts', texts);
  const seeds = 60;
  let [gaps, squares, claimed] = [0, 0, 0];
  for (let seed = 1; seed <= seeds; seed++) {
    const { metrics } = await zeroShotPerplexity(source, stream, { ...options, estimator, seed, draws: 8 });
    const { value, mcStderr } = metrics.nll as { value: number; mcStderr: number };
    gaps += value - truth;
    squares += (value - truth) ** 2;
    claimed += mcStderr ** 2;
  }
  expect(Math.abs(gaps / seeds)).toBeLessThan(4 * Math.sqrt(squares / seeds / seeds));
  // The ratio of a variance from 60 seeds to its claim: 1 ± 0.18, heavy tails aside.
  expect(squares / claimed).toBeGreaterThan(0.5);
  expect(squares / claimed).toBeLessThan(1.7);
});
