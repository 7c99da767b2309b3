/** About src/evals/throughput/rounds.ts */
import { expect, it } from 'vitest';
import type { Configuration } from '../../../src/evals/throughput/configurations.js';
import { roundsOf, stepsOf } from '../../../src/evals/throughput/rounds.js';

const configuration = (steps: number, batch: number, isSwept = false) =>
  ({
    isSwept,
    request: {
      ...{
        checkpoint: { name: 'duo' },
        sampler: { sampler: { name: 'ancestral' }, module: null },
        options: {},
      },
      ...{ steps, batch, samples: 24, temperature: 1, topK: null, topP: null, seed: 1 },
    },
  }) as unknown as Configuration;

it('work is counted in steps of samples: the rounds, one of them uncounted, then the continuations of prompts', () => {
  const two = [configuration(4, 8), configuration(16, 8)];
  expect(roundsOf(two)).toBe(3);
  expect(stepsOf(two, { legs: 1, prompts: 5 })).toEqual([4 * 8 * (4 + 16), 10 * 4, 10 * 16]);
  expect(stepsOf(two, { legs: 2, prompts: null })).toEqual([2 * 4 * 8 * (4 + 16), 0, 0]);
});

it('batch sizes of one sampler continue its prompts once', () => {
  const swept = [configuration(4, 4, true), configuration(4, 8, true)];
  expect(roundsOf(swept)).toBe(6);
  expect(stepsOf(swept, { legs: 1, prompts: 5 })).toEqual([7 * 4 * (4 + 8), 40, 0]);
});
