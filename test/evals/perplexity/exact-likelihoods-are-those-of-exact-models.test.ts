/** On an exact denoiser each order of positions gives −ln p of the text: the chain rule. About src/evals/perplexity/policy-walk.ts */
import { describe, expect, it } from 'vitest';
import { UNMASKING_ORDERS } from '../../../src/diffusion/unmasking.js';
import { exactCheckpoint } from '../../../src/evals/calibration/run.js';
import { exactLikelihood } from '../../../src/evals/perplexity/exact-likelihood.js';
import { negativeLogProbabilities } from '../../../src/models/sources/markov.js';
import { chain, chainText } from './chain-session.js';
import { likelihoodsOf } from './policy-oracle.js';

const texts = chainText(5);
const nllOf = (text: Int32Array) => negativeLogProbabilities(chain, text).reduce((sum, one) => sum + one, 0);

describe.each(['mdlm', 'sedd'] as const)('%s', (family) => {
  const checkpoint = exactCheckpoint({ name: 'chain', chain }, family, 'log-linear');

  it.each(UNMASKING_ORDERS)('%s, one token per call', async (policy) => {
    for (const settings of [{}, { blockSize: 8, ties: 'seeded' }] as const) {
      const likelihood = exactLikelihood({ policy, from: 'all-masked', ...settings });
      const losses = await likelihoodsOf(checkpoint, texts, likelihood, { batch: 4 });
      for (const [i, { nats, calls, path }] of losses.entries()) {
        expect(Math.abs(nats - nllOf(texts[i])) / texts[i].length).toBeLessThan(1e-6);
        expect(calls).toBe(24);
        expect([...path!.order].sort((a, b) => a - b)).toEqual([...texts[i].keys()]);
      }
    }
  });
});
