/** About src/diffusion/unmasking.ts and those that refuse by it: the likelihood's flags and the sampler's options. */
import { expect, it } from 'vitest';
import { noiseSchedule } from '../../src/diffusion/schedule.js';
import { policyProblem } from '../../src/diffusion/unmasking.js';
import { exactLikelihood } from '../../src/evals/perplexity/exact-likelihood.js';
import { samplerOptions } from '../../src/samplers/registry.js';
import { unmask } from '../../src/samplers/unmask.js';

const policy = { order: 'margin', tokensPerCall: 1, blockSize: null, threshold: null } as const;

it.each([
  [{ tokensPerCall: 1.5 }, {}, 'tokensPerCall', '1'],
  [{ blockSize: 0 }, {}, 'blockSize', '1'],
  [{ order: 'entropy', threshold: 0.5 }, {}, 'order', 'max-probability, margin or log-margin'],
  [{ entropyBound: 0.5 }, {}, 'order', 'entropy'],
  [{ tokensPerCall: 9 }, { length: 8 }, 'tokensPerCall', '8, or fewer'],
  [{ tokensPerCall: 5 }, { length: 8, ofModel: 4 }, 'tokensPerCall', '4, or fewer'],
  [{ blockSize: 5 }, { length: 8 }, 'blockSize', '4'],
  [{ blockSize: 8 }, { length: 8, ofModel: 4 }, 'blockSize', '4'],
] as const)('%o with %o', (change, text, setting, takes) => {
  expect(policyProblem({ ...policy, ...change }, text)).toMatchObject({ setting, takes });
});

it('others can be followed', () => {
  expect(policyProblem({ ...policy, tokensPerCall: 8, blockSize: 4 }, { length: 8 })).toBeNull();
  expect(policyProblem({ ...policy, threshold: 0.5 })).toBeNull();
});

it('the likelihood and the sampler say the same, each with its own words for what to give', () => {
  const setting = {
    family: 'mdlm' as const,
    schedule: noiseSchedule({ type: 'log-linear' }),
    timeConditioned: false,
    length: 8,
    steps: 4,
    options: samplerOptions(unmask, ['order=entropy', 'threshold=0.5']),
  };
  const message = expect.stringMatching(/The order entropy has no score that a threshold/);
  expect(() => unmask.check?.(setting)).toThrow(
    expect.objectContaining({ message, hint: expect.stringContaining('order=max-probability') }),
  );
  expect(() => exactLikelihood({ policy: 'entropy', threshold: 0.5 })).toThrow(
    expect.objectContaining({ message, hint: expect.stringContaining('--policy max-probability') }),
  );
});
