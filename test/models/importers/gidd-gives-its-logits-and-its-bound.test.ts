/** About src/models/importers/gidd.ts and src/diffusion/heads/mixed-noise.ts: dvruette/gidd. */
import { describe, expect, it } from 'vitest';
import { HEAD } from '../../../src/diffusion/heads/head.js';
import { appendLossHead } from '../../../src/diffusion/heads/losses.js';
import { mixtureFeeds } from '../../../src/diffusion/heads/mixed-noise.js';
import { levelOfTime, noiseSchedule } from '../../../src/diffusion/schedule.js';
import { openCheckpoint } from '../../../src/models/checkpoint.js';
import { integers, networkFeeds } from '../../../src/models/feeds.js';
import { startHeadSession } from '../../../src/models/head-session.js';
import { converted, largestDifference, logitsOf, modelOracle } from './published.js';

const { expected, config, folder } = modelOracle('gidd');
const { input_ids: ids, timestep, x_0: clean } = expected.inputs;

it('its logits are the reference’s, told the time', async () => {
  const { path, card, notices } = await converted(folder());
  expect(card).toMatchObject({
    family: 'gidd',
    vocabSize: 67,
    length: 18,
    maskTokenId: expected.mask_token_id,
    schedule: { type: 'mixed', eps: 1e-4, uniformShare: 0.2 },
    timestepInput: 't',
    architecture: { name: 'dit', hiddenSize: 36, conditionSize: 20, blocks: 2, heads: 3 },
  });
  expect(notices).toEqual([]);
  const logits = await logitsOf(path, { ids, sigma: timestep });
  expect(largestDifference(logits, expected.logits)).toBeLessThan(1e-4);
});

it('its noise and its bound at a noise level are the reference’s', async () => {
  const { path } = await converted(folder());
  const checkpoint = await openCheckpoint(path);
  if (checkpoint.family !== 'gidd') throw new Error(checkpoint.family);
  const schedule = noiseSchedule(checkpoint.schedule);
  const levels = (timestep as number[]).map((t) => levelOfTime(schedule, t));
  const mixtures = levels.map(({ mixed }) => {
    if (!mixed) throw new Error('no mixture');
    return mixed;
  });
  for (const [b, { alpha, oneMinusAlpha }] of levels.entries()) {
    const { uniform } = mixtures[b];
    expect(alpha).toBeCloseTo(expected.mixing.alpha_t[b], 6);
    expect(oneMinusAlpha - uniform).toBeCloseTo(expected.mixing.beta_pi_mask[b], 6);
    expect(uniform / 66).toBeCloseTo(expected.mixing.beta_pi_other_token[b], 8);
  }
  const graph = checkpoint.graph();
  appendLossHead(graph, 'gidd', { logits: 'logits', vocabSize: 67, maskTokenId: 66 });
  const session = await startHeadSession(graph, { checkpoint, provider: 'cpu', threads: 1 });
  const feeds = {
    ...networkFeeds(checkpoint.signature, {
      inputIds: BigInt64Array.from(ids.flat(), BigInt),
      ...{ batch: 2, length: 18, sigma: Float32Array.from(timestep) },
    }),
    [HEAD.targets]: integers('int64', clean.flat(), [2, 18]),
    [HEAD.oneMinusAlpha]: {
      type: 'float64' as const,
      data: Float64Array.from(levels, ({ oneMinusAlpha }) => oneMinusAlpha),
      dims: [2],
    },
    ...mixtureFeeds(mixtures),
  };
  const loss = (await session.run(feeds, { label: 'loss' }))[HEAD.loss].data as Float32Array;
  await session.close();
  let sum = 0;
  for (const [i, due] of (expected.elbo.elbo_per_token as number[][]).flat().entries()) {
    const perTime = -schedule.dalpha(timestep[Math.floor(i / 18)], 'strict') * loss[i];
    expect(Math.abs(perTime - due)).toBeLessThan(1e-5 * Math.max(1, due));
    sum += perTime / 36;
  }
  expect(Math.abs(sum - expected.elbo.mean)).toBeLessThan(1e-5);
});

describe('is refused', () => {
  it.each([
    ['with a share of 1', { ...config, p_uniform: 1 }, {}, /p_uniform is 1/],
    ['without one', { ...config, p_uniform: undefined }, {}, /does not say p_uniform/],
    ['with other sizes', { ...config, hidden_size: 48 }, {}, /hidden_size is 48, but the tensors say 36/],
    [
      'with other positions',
      { ...config, max_seq_len: 20 },
      {},
      /"rotary_emb.cos_cached" is \[1,18,3,1,12\]/,
    ],
    ['as another family', config, { family: 'mdlm' as const }, /said to be of the family mdlm/],
  ])('%s', async (_, whole, overrides, why) => {
    await expect(converted(folder(whole), { overrides })).rejects.toThrow(why);
  });

  it('without its configuration', async () => {
    await expect(converted(folder(null))).rejects.toThrow(/has no config.json/);
  });
});

it('no uniform noise is the least share that the reference takes', async () => {
  const { card } = await converted(folder({ ...config, p_uniform: 0 }));
  expect(card.schedule?.uniformShare).toBeCloseTo(Math.exp(-20), 15);
});
