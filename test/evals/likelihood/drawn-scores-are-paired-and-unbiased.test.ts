/** About src/evals/likelihood/question-walks.ts, src/evals/likelihood/margins.ts */
import { describe, expect, it } from 'vitest';
import { flipProbability, marginOf } from '../../../src/evals/likelihood/margins.js';
import type { ContinuationScore } from '../../../src/evals/likelihood/question-walks.js';
import type { ScoringSettings } from '../../../src/evals/likelihood/scored-questions.js';
import {
  openScoring,
  type ScoreRequest,
  scoreContinuations,
} from '../../../src/evals/likelihood/scoring-session.js';
import { openCheckpoint } from '../../../src/models/checkpoint.js';
import { sum } from '../../../src/statistics/numbers.js';
import { fixture } from '../../support/run.js';

const BOS = 256;
const CHOICES = ['state of ', 'great and', 'zqxj wkvv'];
const requestsOf = (questions: number): ScoreRequest[] =>
  Array.from({ length: questions }, (_, question) =>
    CHOICES.map((text) => ({
      ...{ context: [BOS, ...Buffer.from('the ')], continuation: [...Buffer.from(text)], question },
    })),
  ).flat();

async function scoresOf(model: string, requests: ScoreRequest[], settings: Partial<ScoringSettings> = {}) {
  const checkpoint = await openCheckpoint(fixture(model));
  const session = await openScoring({ checkpoint, provider: 'cpu', threads: 1, ...settings });
  const scores = await scoreContinuations(session, requests);
  await session.close();
  return scores;
}

const QUESTIONS = 40;

describe.each([
  ['markov-duo.onnx', {}],
  ['markov-mdlm.onnx', { method: 'bound' }],
] as const)('%s, whose bound is exactly ln p', (model, settings) => {
  it('has the mean and the error that it says, given the context', async () => {
    // The same source, read from left to right.
    const exact = await scoresOf('markov-ar.onnx', requestsOf(1));
    const drawn = await scoresOf(model, requestsOf(QUESTIONS), { ...settings, draws: 32 });
    for (const [c, { logLikelihood }] of exact.entries()) {
      const ofChoice = drawn.filter((_, i) => i % CHOICES.length === c);
      const mean = sum(ofChoice.map((score) => score.logLikelihood)) / QUESTIONS;
      const stderr = Math.sqrt(sum(ofChoice.map(({ error }) => error ** 2))) / QUESTIONS;
      expect(Math.abs(mean - logLikelihood)).toBeLessThan(4.5 * stderr + 0.01);
      // What is left out of the integral, and the rounding of float32, is far less.
      expect(stderr).toBeGreaterThan(0);
    }
  });

  it('draws no more than it takes to settle the pick', async () => {
    const scores = await scoresOf(model, requestsOf(4), { ...settings, draws: 256, until: 0.01 });
    for (let i = 0; i < scores.length; i += CHOICES.length) {
      const question = scores.slice(i, i + CHOICES.length);
      expect(new Set(question.map(({ calls }) => calls)).size).toBe(1);
      expect(flipProbability(question) <= 0.01 || question[0].calls === 256).toBe(true);
    }
    expect(scores.some(({ calls }) => calls < 256)).toBe(true);
  });
});

describe('the control variate of uniform states', () => {
  it('leaves less than half of the variance of a score', async () => {
    const requests = requestsOf(12);
    const [with_, without] = [
      await scoresOf('duo.onnx', requests.map(asIds), { draws: 32 }),
      await scoresOf('duo.onnx', requests.map(asIds), { draws: 32, hasControl: false }),
    ];
    const variance = (scores: ContinuationScore[]) => sum(scores.map(({ error }) => error ** 2));
    expect(variance(with_)).toBeLessThan(0.5 * variance(without));
  });
});

/** Of a vocabulary that has no token for each byte's own number. */
const asIds = (request: ScoreRequest): ScoreRequest => ({ ...request, context: [0] });

const drawnScore = (draws: number[]): Pick<ContinuationScore, 'logLikelihood' | 'error' | 'draws'> => ({
  logLikelihood: sum(draws) / draws.length,
  error: 1,
  draws: Float64Array.from(draws),
});

describe('a margin', () => {
  it('has no error where all luck is common', () => {
    const margin = marginOf(drawnScore([-1, -5, -2, -8]), drawnScore([-2, -6, -3, -9]));
    expect(margin).toEqual({ value: 1, error: 0, degreesOfFreedom: 2 });
    expect(flipProbability([drawnScore([-1, -5, -2, -8]), drawnScore([-2, -6, -3, -9])])).toBe(0);
  });

  it('flips half of the time where there is none', () => {
    // Two strata of two draws: differences 1, −1 and 1, −1.
    expect(flipProbability([drawnScore([0, 0, 0, 0]), drawnScore([-1, 1, -1, 1])])).toBeCloseTo(0.5, 12);
  });

  it('flips as often as the tail of Student’s t says', () => {
    // Differences 3, 1, 3, 1: mean 2, error √(2² + 2²)/4 = 1/√2, t = 2√2 with 2 degrees: ½(1 − t/√(2 + t²)).
    const t = 2 * Math.SQRT2;
    const chance = flipProbability([drawnScore([0, 0, 0, 0]), drawnScore([-3, -1, -3, -1])]);
    expect(chance).toBeCloseTo((1 - t / Math.sqrt(2 + t * t)) / 2, 12);
  });
});
