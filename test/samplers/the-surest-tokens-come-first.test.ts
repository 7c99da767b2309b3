import { describe, expect, it } from 'vitest';
import type { Denoised } from '../../src/samplers/sampler.js';
import { generate } from '../../src/sampling/generate.js';
import type { StepState } from '../../src/sampling/generation-plan.js';
import { independent, planOf } from './closed-form.js';

const sureness = [0.2, 0.9, 0.4, 0.8, 0.6, 0.7, 0.3, 0.5];

/** Draws token 0 everywhere, with a probability that belongs to the place. */
function placed() {
  const form = independent([0.5, 0.5], 'mdlm');
  return {
    ...form,
    async denoise(): Promise<Denoised> {
      return {
        token: new Int32Array(8),
        probability: Float64Array.from(sureness),
        present: null,
        scoreSum: null,
      };
    },
  };
}

async function masksAfterSteps(pace: string): Promise<number[][]> {
  const states: number[][] = [];
  const onStep = ({ tokens }: StepState) => states.push([...tokens.keys()].filter((l) => tokens[l] === 2));
  const plan = await planOf(placed(), {
    sampler: 'confidence',
    options: [`pace=${pace}`],
    steps: 4,
    length: 8,
    samples: 1,
    onStep,
  });
  for await (const _ of generate(plan));
  return states;
}

describe('confident sampling', () => {
  it('takes the surest masks, two a step', async () => {
    expect(await masksAfterSteps('linear')).toEqual([
      [0, 1, 2, 3, 4, 5, 6, 7],
      [0, 2, 4, 5, 6, 7],
      [0, 2, 6, 7],
      [0, 6],
      [],
    ]);
  });

  it('begins slowly at the pace of a cosine', async () => {
    expect((await masksAfterSteps('cosine')).map(({ length }) => length)).toEqual([8, 7, 5, 3, 0]);
  });
});
