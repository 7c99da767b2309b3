/** What models are compared by, nats of the text without its ends, is corrected as the whole is, and means the same. */
import { expect, it } from 'vitest';
import type { Estimator } from '../../../src/evals/perplexity/estimator.js';
import { zeroShotPerplexity } from '../../../src/evals/perplexity/zero-shot-perplexity.js';
import { sum } from '../../../src/statistics/numbers.js';
import { chainSession, chainStream, options } from './chain-session.js';

it.each(['mdlm', 'duo'] as const)('%s', async (family) => {
  const session = await chainSession(family);
  try {
    const wrapped = { ...chainStream(16, 8), wrapped: true };
    const seeds = 150;
    const study = async (estimator: Estimator) => {
      const sums: { text: number; all: number }[] = [];
      for (let seed = 1; seed <= seeds; seed++) {
        const { losses, metrics } = await zeroShotPerplexity(session, wrapped, {
          ...options,
          estimator,
          seed,
        });
        sums.push({ text: sum(losses.textNats), all: metrics.nll.value! * 16 * 8 });
      }
      const mean = (of: 'text' | 'all') => sums.reduce((sum, entry) => sum + entry[of], 0) / seeds;
      const variance = sums.reduce((sum, { text }) => sum + (text - mean('text')) ** 2, 0) / (seeds - 1);
      return { text: mean('text'), all: mean('all'), variance };
    };
    const plain = await study('plain');
    const controlled = await study('control-variate');
    const z = (controlled.text - plain.text) / Math.sqrt((controlled.variance + plain.variance) / seeds);
    expect(Math.abs(z)).toBeLessThan(4);
    expect(controlled.variance).toBeLessThan(plain.variance / 1.5);
    expect(controlled.text).toBeLessThan(0.9 * controlled.all);
  } finally {
    await session.close();
  }
});

it('without ends, text nats are all nats', async () => {
  const session = await chainSession('mdlm');
  try {
    const { losses, metrics } = await zeroShotPerplexity(session, chainStream(5), options);
    expect(sum(losses.textNats) / (5 * 24)).toBeCloseTo(metrics.nll.value!, 10);
  } finally {
    await session.close();
  }
});
