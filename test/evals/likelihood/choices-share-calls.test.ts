/** About src/evals/likelihood/scoring-session.ts */
import { describe, expect, it } from 'vitest';
import {
  openScoring,
  type ScoreRequest,
  type ScoringSettings,
  scoreContinuations,
} from '../../../src/evals/likelihood/scoring-session.js';
import { openCheckpoint } from '../../../src/models/checkpoint.js';
import { fixture } from '../../support/run.js';

const scoring = async (model: string, settings: Partial<ScoringSettings> = {}) =>
  openScoring({
    checkpoint: await openCheckpoint(fixture(model)),
    ...{ provider: 'cpu', threads: 1 },
    ...settings,
  });

const ITEMS = 1000;
const BOS = 256;

describe.each(['markov-ar.onnx', 'markov-mdlm.onnx'])('%s', (model) => {
  it('needs one call for the four one-token choices of an item', async () => {
    const requests = Array.from({ length: ITEMS }, (_, i) =>
      [...'abcd'].map((letter): ScoreRequest => {
        const context = [BOS, ...Buffer.from(`item ${i}: `)];
        return { context, continuation: [letter.charCodeAt(0)], question: i };
      }),
    ).flat();
    const session = await scoring(model);
    const scores = await scoreContinuations(session, requests);
    expect(session.modelCalls).toBe(ITEMS);
    expect(scores.every(({ error, calls }) => error === 0 && calls === 1)).toBe(true);
    // Of one context the four are parts of one distribution, and of them at most one is the most probable byte.
    for (let i = 0; i < scores.length; i += 4) {
      const four = scores.slice(i, i + 4);
      const total = four.reduce((sum, { logLikelihood }) => sum + Math.exp(logLikelihood), 0);
      expect(total).toBeLessThanOrEqual(1);
      expect(four.filter(({ isGreedy }) => isGreedy).length).toBeLessThanOrEqual(1);
    }
    await session.close();
  });

  it('gives the same figures in any batch, order and company', async () => {
    const requests = ['the state', 'of the union', 'a', 'is strong'].map(
      (text): ScoreRequest => ({
        context: [BOS, ...Buffer.from('and ')],
        continuation: [...Buffer.from(text)],
      }),
    );
    const [whole, alone] = [await scoring(model), await scoring(model, { batch: 1 })];
    const together = await scoreContinuations(whole, requests);
    const turned = await scoreContinuations(alone, requests.toReversed());
    expect(turned.toReversed()).toEqual(together);
    const [single] = await scoreContinuations(alone, requests.slice(2, 3));
    expect(single).toEqual(together[2]);
    await Promise.all([whole.close(), alone.close()]);
  });
});
