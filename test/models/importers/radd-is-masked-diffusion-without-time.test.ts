/** About src/models/architectures/dit.ts, src/models/importers/reference.ts and reference-config.ts: ML-GSAI/RADD. */
import { describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../../src/models/checkpoint.js';
import { converted, largestDifference, logitsOf, maskedLosses, modelOracle } from './published.js';

const { expected, config, folder } = modelOracle('radd');
const ids: number[][] = expected.inputs.input_ids;
const mask: number = expected.mask_token_id;

it('its logits are the reference’s, and so are its conditionals', async () => {
  const { path } = await converted(folder());
  const logits = await logitsOf(path, { ids });
  expect(largestDifference(logits, expected.logits)).toBeLessThan(1e-4);
  const values = logits.data as Float32Array;
  for (const [b, row] of ids.entries()) {
    for (const l of row.keys()) {
      const at = (b * row.length + l) * (mask + 1);
      const tokens = Array.from(values.subarray(at, at + mask));
      const logSum = Math.log(tokens.reduce((sum, value) => sum + Math.exp(value), 0));
      for (const [v, value] of tokens.entries())
        expect(Math.abs(value - logSum - expected.log_conditional[b][l][v])).toBeLessThan(1e-4);
    }
  }
});

it.each([0.1, 0.5, 0.999])('the loss of the family mdlm is its λ-DCE at λ = %d', async (lambda) => {
  const { path } = await converted(folder());
  const losses = await maskedLosses(path, {
    noisy: ids,
    clean: expected.inputs.x_0,
    oneMinusAlpha: ids.map(() => lambda),
  });
  for (const [b, row] of ids.entries()) {
    for (const l of row.keys())
      expect(Math.abs(lambda * losses[b][l] - expected.masked_nll[b][l])).toBeLessThan(1e-4);
  }
});

it('the card says so, and opens', async () => {
  const { path, card, notices } = await converted(folder());
  expect(card).toMatchObject({
    family: 'mdlm',
    vocabSize: 70,
    length: 18,
    maskTokenId: 69,
    schedule: { type: 'log-linear', eps: 1e-3 },
    timeConditioning: false,
    architecture: { name: 'radd', hiddenSize: 42, blocks: 2, heads: 3 },
  });
  expect(notices).toEqual([]);
  expect((await openCheckpoint(path)).signature.sigma).toBeNull();
});

it('is known by its tensors where no configuration lies beside them', async () => {
  const { path, card } = await converted(folder(null), { overrides: { length: 18 } });
  expect(card).toMatchObject({ family: 'mdlm', maskTokenId: 69 });
  expect(largestDifference(await logitsOf(path, { ids }), expected.logits)).toBeLessThan(1e-4);
});

describe('is refused', () => {
  it('as another family', async () => {
    await expect(converted(folder(), { overrides: { family: 'sedd' } })).rejects.toMatchObject({
      code: 'config-contradicts-tensors',
      message: expect.stringMatching(/of the family sedd, but its tensors are those of RADD/),
    });
  });

  it.each([
    [{ ...config, tokens: 70 }, /tokens, with the mask, is 71/],
    [{ ...config, model: { ...config.model, n_blocks: 3 } }, /n_blocks is 3, but/],
    [{ ...config, model: { ...config.model, hidden_size: 48 } }, /hidden_size is 48, but/],
  ])('with a configuration that contradicts it', async (whole, message) => {
    await expect(converted(folder(whole))).rejects.toMatchObject({
      code: 'config-contradicts-tensors',
      message: expect.stringMatching(message),
    });
  });

  it.each(['blocks.1.norm1.bias', 'output_layer.linear.weight'])('without its tensor %s', async (missing) => {
    const source = folder(config, (name) => (name === missing ? undefined : name));
    await expect(converted(source)).rejects.toMatchObject({
      code: 'tensors-do-not-fit',
      message: expect.stringContaining(`"${missing}"`),
    });
  });
});
