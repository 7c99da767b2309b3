/** About src/models/importers/reference.ts and reference-config.ts: louaaron/Score-Entropy-Discrete-Diffusion. */
import { describe, expect, it } from 'vitest';
import { converted, largestDifference, logitsOf, maskedLosses, modelOracle } from './published.js';

const { expected, config, folder } = modelOracle('sedd');
const ids: number[][] = expected.inputs.input_ids;
const sigma: number[] = expected.inputs.sigma;
const mask: number = expected.mask_token_id;

/** Clean texts that agree with the noisy ones where these are no masks. */
const clean = ids.map((row, b) => row.map((z, l) => (z === mask ? (11 * l + 5 * b) % mask : z)));

it('the graph gives the raw output of their head', async () => {
  const { path } = await converted(folder());
  const logits = await logitsOf(path, { ids, sigma });
  expect(largestDifference(logits, expected.raw_head_output)).toBeLessThan(1e-4);
});

it('the loss is their score entropy, from the log scores that their network returns', async () => {
  const { path } = await converted(folder());
  const oneMinusAlpha = sigma.map((s) => -Math.expm1(-s));
  const losses = await maskedLosses(path, { noisy: ids, clean, oneMinusAlpha });
  for (const [b, row] of ids.entries()) {
    for (const [l, z] of row.entries()) {
      if (z !== mask) continue;
      // graph_lib.py, Absorbing.score_entropy, and losses.py: times dσ, which is −dα/α.
      const scores: number[] = expected.logits[b][l];
      const ratio = 1 / Math.expm1(sigma[b]);
      const positive = scores.slice(0, mask).reduce((sum, score) => sum + Math.exp(score), 0);
      const entropy = positive - ratio * scores[clean[b][l]] + ratio * (Math.log(ratio) - 1);
      const wanted = entropy / (1 - oneMinusAlpha[b]);
      expect(Math.abs(losses[b][l] - wanted)).toBeLessThan(1e-4 * Math.max(1, wanted));
    }
  }
});

it('the card has what their configuration says, and the mask is their last token', async () => {
  const { card, notices } = await converted(folder());
  expect(card).toMatchObject({
    family: 'sedd',
    vocabSize: 66,
    length: 18,
    maskTokenId: 65,
    schedule: { type: 'log-linear', eps: 1e-3 },
    timeConditioning: true,
    architecture: { name: 'dit', hiddenSize: 36, conditionSize: 20, blocks: 2, heads: 3 },
  });
  expect(notices).toEqual([]);
});

describe('a configuration is refused', () => {
  const model = (changes: object) => ({ ...config, model: { ...config.model, ...changes } });
  it.each([
    [
      'uniform noise',
      { ...config, graph: { type: 'uniform' } },
      'family-not-supported',
      /graph\.type is "uniform"/,
    ],
    [
      'scores without their scale',
      model({ scale_by_sigma: false }),
      'family-not-supported',
      /scale_by_sigma is false/,
    ],
    [
      'a geometric schedule',
      { ...config, noise: { type: 'geometric', sigma_min: 1e-4, sigma_max: 20 } },
      'schedule-type',
      /noise\.type is "geometric"/,
    ],
    [
      'other tokens than the tensors have',
      { ...config, tokens: 66 },
      'config-contradicts-tensors',
      /tokens, with the mask, is 67, but .*"vocab_embed\.embedding" is \[66,36\]/,
    ],
    [
      'other heads',
      model({ n_heads: 2 }),
      'config-contradicts-tensors',
      /n_heads is 2, so heads are 18 wide/,
    ],
    ['tokens that are no number', { ...config, tokens: 'all' }, 'bad-config', /"tokens" is "all"/],
    [
      'a forward process that nobody knows',
      { ...config, graph: { type: 'walk' } },
      'family-unknown',
      /nothing says which family/,
    ],
  ])('with %s', async (_what, whole, code, message) => {
    await expect(converted(folder(whole))).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });
});

it('a tensor that is missing is named', async () => {
  const without = folder(config, (name) => (name === 'blocks.1.mlp.0.bias' ? undefined : name));
  await expect(converted(without)).rejects.toMatchObject({
    code: 'tensors-do-not-fit',
    message: expect.stringMatching(/"blocks\.1\.mlp\.0\.bias" \[144\] is missing/),
  });
});
