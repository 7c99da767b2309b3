/** About src/evals/likelihood/scoring-session.ts */
import { describe, expect, it } from 'vitest';
import type { ScoringSettings } from '../../../src/evals/likelihood/scored-questions.js';
import {
  openScoring,
  type ScoreRequest,
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

describe('choices after one context', () => {
  /** Contexts of several lengths; choices of one to nine tokens, and some that are single. */
  const requests = Array.from({ length: 30 }, (_, q) => {
    const context = [256, ...Array.from({ length: 3 + 3 * q }, (_, i) => (7 * i + 13 * q) % 250)];
    return Array.from({ length: 1 + (q % 5) }, (_, c): ScoreRequest => {
      const continuation = Array.from(
        { length: 1 + ((q + 4 * c) % 9) },
        (_, i) => (31 * i + 5 * c + q) % 250,
      );
      return { context, continuation, question: q };
    });
  }).flat();

  it('read it once, and are scored as if each read it alone', async () => {
    const [shared, apart] = [await scoring('ar.onnx'), await scoring('ar.onnx', { sharesPrefixes: false })];
    const [ours, theirs] = [
      await scoreContinuations(shared, requests),
      await scoreContinuations(apart, requests),
    ];
    for (const [i, { logLikelihood, isGreedy, tokens }] of ours.entries()) {
      expect(Math.abs(logLikelihood - theirs[i].logLikelihood)).toBeLessThan(1e-5 * tokens);
      expect(isGreedy).toBe(theirs[i].isGreedy);
    }
    expect(shared.readTokens).toBeLessThan(0.55 * apart.readTokens);
    const one = await scoring('ar.onnx', { batch: 1 });
    expect((await scoreContinuations(one, requests)).map(({ logLikelihood }) => logLikelihood)).toEqual(
      ours.map(({ logLikelihood }) => logLikelihood),
    );
    for (const session of [shared, apart, one]) await session.close();
  });
});
