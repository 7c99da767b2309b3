/** The fixture of a Markov chain, L = 128, under each policy, against the chain rule. About src/evals/perplexity/policy-session.ts */
import { expect, it } from 'vitest';
import { UNMASKING_ORDERS } from '../../../src/diffusion/unmasking.js';
import { exactLikelihood } from '../../../src/evals/perplexity/exact-likelihood.js';
import { LossSession } from '../../../src/evals/perplexity/loss-session.js';
import { batchModelOf } from '../../../src/evals/perplexity/loss-source.js';
import { openCheckpoint } from '../../../src/models/checkpoint.js';
import { fixture } from '../../support/run.js';
import { likelihoodsOf, oracleNetworks } from './policy-oracle.js';

const { texts } = oracleNetworks('bos').find(({ name }) => name === 'markov-mdlm')!;

it.each(UNMASKING_ORDERS)('%s gives −ln p of the text to 1e-6 nats per token', async (policy) => {
  const exact = await chainRule();
  const losses = await likelihoodsOf(fixture('markov-mdlm.onnx'), texts, exactLikelihood({ policy }));
  for (const [i, { nats }] of losses.entries()) expect(Math.abs(nats - exact[i]) / 127).toBeLessThan(1e-6);
});

/** −ln p after BOS, by the autoregressive network of the same chain. */
async function chainRule(): Promise<number[]> {
  const checkpoint = await openCheckpoint(fixture('markov-ar.onnx'));
  const session = await LossSession.start({ checkpoint, provider: 'cpu', threads: 1 });
  try {
    const calls = texts.map((x, sequence) => ({ sequence, draw: 0, x, level: null }));
    const losses = await session.losses(calls, batchModelOf(checkpoint, { seed: 1, wrapped: true }));
    return losses.map(({ nats }) => nats);
  } finally {
    await session.close();
  }
}
