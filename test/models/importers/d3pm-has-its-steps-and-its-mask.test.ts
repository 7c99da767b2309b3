/**
 * About src/models/importers/reference.ts and reference-config.ts: D3PM, as MDLM's and Duo's code trains it. Its network is that of SEDD,
 * whose oracle serves here; what differs is in the configuration.
 */
import { describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../../src/models/checkpoint.js';
import { converted, logitsOf, modelOracle } from './published.js';

const { expected, folder } = modelOracle('sedd');
const ids: number[][] = expected.inputs.input_ids;
const sigma: number[] = expected.inputs.sigma;
const MASK = 65;
const model = { hidden_size: 36, cond_dim: 20, length: 18, n_blocks: 2, n_heads: 3 };
const noise = { type: 'loglinear', eps: 1e-3 };
/** As MDLM's code says it, and as Duo's. */
const mdlms = { parameterization: 'd3pm', T: 40, subs_masking: false, time_conditioning: true, model, noise };
const duos = {
  algo: { name: 'd3pm', T: 40, subs_masking: false, time_conditioning: true },
  model,
  noise,
};

it.each([
  ['MDLM', mdlms],
  ['Duo', duos],
])('a configuration of %s’s code', async (_, config) => {
  const { path, card, notices } = await converted(folder(config));
  expect(card).toMatchObject({
    family: 'd3pm',
    maskTokenId: MASK,
    schedule: { type: 'log-linear', eps: 1e-3, steps: 40 },
    timeConditioning: true,
  });
  expect(notices.filter((notice) => /steps/.test(notice))).toEqual([]);
  expect((await openCheckpoint(path)).schedule).toMatchObject({ steps: 40 });
});

describe('the steps of its time', () => {
  it('are those of the flag, before those of the configuration', async () => {
    const { card } = await converted(folder(mdlms), { overrides: { diffusionSteps: 7 } });
    expect(card.schedule?.steps).toBe(7);
  });

  it('are assumed, with a notice, where nothing says them', async () => {
    const { card, notices } = await converted(folder({ ...mdlms, T: 0 }));
    expect(card.schedule?.steps).toBe(1000);
    expect(notices.join()).toMatch(/Nothing says how many steps its time has: 1000 are assumed/);
  });
});

it('subs_masking leaves the mask out inside the network, and moves no other logit', async () => {
  const logits = async (leaves: boolean) => {
    const { path } = await converted(folder({ ...mdlms, subs_masking: leaves }));
    return (await logitsOf(path, { ids, sigma })).data as Float32Array;
  };
  const [kept, left] = [await logits(false), await logits(true)];
  const width = MASK + 1;
  for (let i = 0; i < kept.length; i++) {
    if (i % width === MASK) expect(left[i]).toBeLessThan(kept[i] - 9e5);
    else expect(left[i]).toBe(kept[i]);
  }
});
