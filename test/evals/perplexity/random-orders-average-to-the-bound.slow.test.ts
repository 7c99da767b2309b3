/** On a trained network, with everything masked. About src/evals/perplexity/policy-session.ts */
import { expect, it } from 'vitest';
import { packedTokens } from '../../../src/datasets/packed-tokens.js';
import { exactLikelihood } from '../../../src/evals/perplexity/exact-likelihood.js';
import { LossSession } from '../../../src/evals/perplexity/loss-session.js';
import { zeroShotPerplexity } from '../../../src/evals/perplexity/zero-shot-perplexity.js';
import { openCheckpoint } from '../../../src/models/checkpoint.js';
import { entry } from '../../../src/statistics/numbers.js';
import { fixture } from '../../support/run.js';
import { options } from './chain-session.js';
import { likelihoodsOf, oracleNetworks } from './policy-oracle.js';

const [LENGTH, ORDERS] = [32, 40];
const [{ texts: whole }] = oracleNetworks('all-masked');
const texts = whole.flatMap((text) =>
  [0, 1, 2, 3].map((quarter) => text.slice(quarter * LENGTH, (quarter + 1) * LENGTH)),
);
const sum = (values: readonly number[]) => values.reduce((total, one) => total + one, 0);

it('random orders, one token per call, average to the bound of the protocol strict, within their errors', async () => {
  const checkpoint = await openCheckpoint(fixture('mdlm.onnx'));
  const totals: number[] = [];
  for (let seed = 1; seed <= ORDERS; seed++) {
    const likelihood = exactLikelihood({ policy: 'random', from: 'all-masked' });
    const losses = await likelihoodsOf(checkpoint, texts, likelihood, { seed });
    totals.push(sum(losses.map(({ nats }) => nats)));
  }
  const mean = sum(totals) / ORDERS;
  const stderr = Math.sqrt(sum(totals.map((one) => (one - mean) ** 2)) / (ORDERS * (ORDERS - 1)));
  const session = await LossSession.start({ checkpoint, provider: 'cpu', threads: 1 });
  try {
    const { losses, metrics, tokens } = await zeroShotPerplexity(session, packedTokens('texts', texts), {
      ...options,
      draws: 128,
    });
    const bound = sum(texts.map((_, i) => entry(losses.nats, i)));
    losses.close();
    const error = Math.hypot(stderr, metrics.nll.mcStderr! * tokens);
    expect(tokens).toBe(texts.length * LENGTH);
    // Sharp enough to tell another order: those of the policies differ by 2% and more.
    expect(error / bound).toBeLessThan(0.005);
    expect(Math.abs(mean - bound)).toBeLessThan(4 * error);
  } finally {
    await session.close();
  }
});
