/**
 * About src/models/importers/reference.ts and reference-config.ts: jdeschena/sdtt. Its module holds the network of MDLM as
 * `backbone`, and its configuration is that of its training (core/distill/multi_round_sdtt.py, configs/). The network is that of
 * SEDD, too, whose oracle serves here: tensor by tensor the same. SDTT has no time conditioning,
 * so that its card lets the harness feed σ = 0.
 */
import { expect, it } from 'vitest';
import { openCheckpoint } from '../../../src/models/checkpoint.js';
import { converted, largestDifference, logitsOf, modelOracle } from './published.js';

const { expected, folder } = modelOracle('sedd');
const config = {
  time_conditioning: false,
  T: 1024,
  is_di4c: false,
  model: {
    name: 'small',
    type: 'ddit-orig',
    hidden_size: 36,
    cond_dim: 20,
    length: 18,
    n_blocks: 2,
    n_heads: 3,
  },
  noise: { type: 'loglinear' },
  tokenizer: { name: 'gpt2' },
  parameterization: { name: 'multi-round-sdtt', num_distill_steps: 2, start_from_hf: false },
};

it.each(['backbone.', 'backbone.backbone.'])('with its tensors under %s', async (prefix) => {
  const { path, card } = await converted(folder(config, (name) => prefix + name));
  expect(card).toMatchObject({
    family: 'mdlm',
    vocabSize: 66,
    length: 18,
    maskTokenId: 65,
    schedule: { type: 'log-linear', eps: 1e-3 },
    timeConditioning: false,
    distilled: true,
  });
  const ids: number[][] = expected.inputs.input_ids;
  const logits = await logitsOf(path, { ids, sigma: expected.inputs.sigma });
  expect(largestDifference(logits, expected.raw_head_output)).toBeLessThan(1e-4);
  expect((await openCheckpoint(path)).fields.timeConditioning.value).toBe(false);
});

it('distilled with Di4C, it is refused', async () => {
  await expect(converted(folder({ ...config, is_di4c: true }))).rejects.toMatchObject({
    code: 'unknown-architecture',
    message: expect.stringMatching(/is_di4c is true/),
  });
});
