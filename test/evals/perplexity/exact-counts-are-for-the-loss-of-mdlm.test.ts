/** About src/evals/perplexity/estimator.ts and src/evals/perplexity/cells.ts */
import { expect, it } from 'vitest';
import { checkEstimator, estimators } from '../../../src/evals/perplexity/estimator.js';
import { duoEval, fixture } from '../../support/run.js';

it.each(['sedd', 'duo', 'bd3lm', 'd3pm'] as const)('%s has none', (family) => {
  expect(() => checkEstimator('exact-count', { name: 'my model', family })).toThrow(
    expect.objectContaining({
      code: 'estimator-does-not-fit',
      exitCode: 2,
      message: expect.stringContaining(`my model is of the family ${family}`),
    }),
  );
  checkEstimator('control-variate', { name: 'my model', family });
});

it.each(['mdlm', 'ar'] as const)('%s has every estimator', (family) => {
  for (const estimator of estimators) checkEstimator(estimator, { name: 'my model', family });
});

it('a run says so before it packs anything', async () => {
  const { code, stderr } = await duoEval([
    'ppl',
    '--model',
    fixture('duo.onnx'),
    '--estimator',
    'exact-count',
  ]);
  expect(code).toBe(2);
  expect(stderr).toContain('of the family duo');
});
