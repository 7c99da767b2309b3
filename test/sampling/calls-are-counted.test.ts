/** About src/sampling/counted-model.ts */
import { describe, expect, it } from 'vitest';
import { unevenChain } from '../models/sources/chains.js';
import { closedForm, type DiffusionFamily, sampled } from '../samplers/closed-form.js';

const chain = unevenChain(4, 7);

describe('the calls of a sample', () => {
  it.each([
    ['ancestral', [], 11],
    ['greedy-tail', [], 11],
    ['psi', [], 11],
    ['psi', ['noise-removal=none'], 10],
    ['psi', ['noise-removal=greedy'], 11],
    ['psi', ['preset=remdm-loop'], 11],
    ['dcd', [], 11],
  ] as const)('of %s on duo with %o are those that were made', async (sampler, options, nfe) => {
    const form = closedForm(chain, 'duo');
    const samples = await sampled(form, { sampler, options: [...options], steps: 10, samples: 5, batch: 2 });
    expect(samples.map((sample) => sample.nfe)).toEqual([nfe, nfe, nfe, nfe, nfe]);
    expect(form.requests.reduce((sum, { batch }) => sum + batch, 0)).toBe(5 * nfe);
  });

  it.each([
    ['mdlm', 'ancestral'],
    ['mdlm', 'greedy-tail'],
    ['mdlm', 'psi'],
    ['sedd', 'analytic'],
  ] as const)('of %s by %s are made while there are masks', async (family, sampler) => {
    const form = closedForm(chain, family);
    const samples = await sampled(form, { sampler, steps: 10, length: 3, samples: 9, batch: 4 });
    expect(form.requests.reduce((sum, { batch }) => sum + batch, 0)).toBe(
      samples.reduce((sum, { nfe }) => sum + nfe, 0),
    );
    for (const { tokens, batch } of form.requests)
      for (let b = 0; b < batch; b++) expect(tokens.subarray(b * 3, b * 3 + 3)).toContain(chain.vocabSize);
    expect(samples.every(({ nfe }) => nfe >= 1 && nfe <= 11)).toBe(true);
    expect(new Set(samples.map(({ nfe }) => nfe)).size).toBeGreaterThan(1);
  });

  it('are left out where a masked sequence did not change', async () => {
    const form = closedForm(chain, 'mdlm');
    const samples = await sampled(form, {
      sampler: 'ancestral-cache',
      steps: 200,
      length: 6,
      samples: 20,
      batch: 7,
    });
    const total = samples.reduce((sum, { nfe }) => sum + nfe, 0);
    expect(form.requests.reduce((sum, { batch }) => sum + batch, 0)).toBe(total);
    // A call for each state that still has masks: at most one a token, and at least one.
    expect(samples.every(({ nfe }) => nfe >= 1 && nfe <= 6)).toBe(true);
    expect(samples.some(({ nfe }) => nfe > 3)).toBe(true);
    for (const { tokens, batch } of form.requests)
      for (let b = 0; b < batch; b++) expect(tokens.subarray(b * 6, b * 6 + 6)).toContain(chain.vocabSize);
  });

  it('by confidence end when the masks are gone', async () => {
    const form = closedForm(chain, 'mdlm');
    const [{ nfe }] = await sampled(form, { sampler: 'confidence', steps: 50, length: 6, samples: 1 });
    expect(nfe).toBe(6);
  });

  it.each(['duo', 'mdlm', 'sedd'] as DiffusionFamily[])('tell %s the noise that there is', async (family) => {
    const form = closedForm(chain, family);
    await sampled(form, { sampler: family === 'sedd' ? 'analytic' : 'ancestral', steps: 4, samples: 1 });
    const alphas = form.requests.map(({ sigma }) => Math.exp(-sigma));
    const times = [1, 0.7500025, 0.500005, 0.2500075, 1e-5];
    for (const [i, alpha] of alphas.entries()) expect(alpha).toBeCloseTo(1 - 0.999 * times[i], 6);
  });

  it('tell d3pm the noise of its steps, and make one call each', async () => {
    const form = closedForm(chain, 'd3pm');
    await sampled(form, { sampler: 'ancestral', steps: 4, samples: 1, length: 40 });
    const alphas = form.requests.map(({ sigma }) => Math.exp(-sigma));
    expect(alphas).toHaveLength(4);
    for (const [i, alpha] of alphas.entries()) expect(alpha).toBeCloseTo(1 - 0.999 * (1 - i / 4), 9);
  });

  it('whose last is greedy draw nothing there', async () => {
    for (const request of [
      { sampler: 'greedy-tail' },
      { sampler: 'psi', options: ['noise-removal=greedy'] },
    ]) {
      const form = closedForm(chain, 'duo');
      await sampled(form, { ...request, steps: 3, samples: 1 });
      expect(form.requests.map(({ uniforms }) => uniforms === null)).toEqual([false, false, false, true]);
    }
  });
});
