import { describe, expect, it } from 'vitest';
import { noiseSchedule } from '../../src/diffusion/schedule.js';
import { checkFamily, resolveSampler, samplerOptions, samplers } from '../../src/samplers/registry.js';
import { chosenSampler } from '../../src/samplers/sampler.js';

const named = async (name: string) => (await resolveSampler(name)).sampler;
const usage = (code: string, hint: RegExp) =>
  expect.objectContaining({ code, exitCode: 2, hint: expect.stringMatching(hint) });

describe('a sampler', () => {
  it('is found by its name, which no other has', async () => {
    for (const sampler of samplers) expect(await named(sampler.name)).toBe(sampler);
    expect(new Set(samplers.map(({ name }) => name)).size).toBe(samplers.length);
  });

  it('is found by the names that others give it with certain options, which further options change', async () => {
    const bound = await named('EntropyBound');
    expect(bound.name).toBe('unmask');
    expect(samplerOptions(bound, [])).toMatchObject({ order: 'entropy', 'entropy-bound': 0.1 });
    expect(samplerOptions(bound, ['entropy-bound=1'])).toMatchObject({
      order: 'entropy',
      'entropy-bound': 1,
    });
    expect(samplerOptions(await named('LowConfidence'), [])).toEqual(
      samplerOptions(await named('unmask'), ['order=max-probability']),
    );
    await expect(named('LowConfidense')).rejects.toEqual(
      usage('unknown-sampler', /^Did you mean LowConfidence\?/),
    );
  });

  it('has its options after a colon, and a path keeps its own', () => {
    expect(chosenSampler('psi:preset=remdm-cap,eta=0.04')).toEqual({
      spec: 'psi',
      options: ['preset=remdm-cap', 'eta=0.04'],
    });
    expect(chosenSampler('./mine.mjs:rate=2')).toEqual({ spec: './mine.mjs', options: ['rate=2'] });
    for (const spec of ['psi', 'c:/a=b/mine.mjs', './my:own.mjs', 'psi:', 'psi:eta'])
      expect(chosenSampler(spec)).toEqual({ spec });
  });

  it('of a name that is nearly right is suggested', async () => {
    await expect(named('ancestrel')).rejects.toEqual(usage('unknown-sampler', /Did you mean ancestral\?/));
    await expect(named('zzz')).rejects.toEqual(usage('unknown-sampler', /^There are ancestral, /));
  });

  it('that does not fit the family is refused, and those that do are named', async () => {
    const refusal = usage('sampler-does-not-fit', /^For sedd there are analytic, confidence and unmask/);
    const ancestral = await named('ancestral');
    expect(() => checkFamily(ancestral, 'sedd', 'my model')).toThrow(refusal);
    expect(() => checkFamily(ancestral, 'duo', 'my model')).not.toThrow();
  });
});

describe('options of a sampler', () => {
  it('are defaults, and what is given', async () => {
    const psi = await named('psi');
    expect(samplerOptions(psi, ['eta=0.1', 'low=constant-0.2', 'eta=2e-2'])).toMatchObject({
      eta: 0.02,
      low: 'constant-0.2',
      middle: 'constant-0.5',
      'noise-removal': 'ancestral',
    });
    expect(samplerOptions(await named('ancestral'), [])).toEqual({});
  });

  it.each([
    ['psi', 'eta=1.5', 'invalid-sampler-option', /eta=0\.04/],
    ['psi', 'eta=', 'invalid-sampler-option', /eta=/],
    ['psi', 'eta', 'invalid-sampler-option', /^psi takes preset/],
    ['psi', 'etta=1', 'unknown-sampler-option', /Did you mean eta/],
    ['psi', 'preset=remdm-cup', 'invalid-sampler-option', /Did you mean remdm-cap/],
    ['psi', 'toString=1', 'unknown-sampler-option', /psi takes/],
    ['ancestral', 'eta=1', 'unknown-sampler-option', /takes no options/],
  ])('%s %s is refused', async (name, option, code, hint) => {
    const sampler = await named(name);
    expect(() => samplerOptions(sampler, [option])).toThrow(usage(code, hint));
  });
});

describe('settings that a sampler cannot work with', () => {
  const schedule = noiseSchedule({ type: 'log-linear' });
  it.each([
    ['dcd', { steps: 33 }, [], 'too-many-steps'],
    ['ancestral-cache', { timeConditioned: true }, [], 'sampler-needs-time-free-model'],
    ['psi', {}, ['middle=constant-1.2'], 'kappa-out-of-range'],
    ['psi', {}, ['time-profile=square'], 'unknown-time-profile'],
    ['unmask', {}, ['block=3'], 'unmasking-policy'],
    ['unmask', {}, ['tokens-per-call=1.5'], 'unmasking-policy'],
    ['unmask', {}, ['order=entropy', 'threshold=0.5'], 'unmasking-policy'],
    ['unmask', {}, ['order=margin', 'entropy-bound=0.5'], 'unmasking-policy'],
    ['unmask', {}, ['order=random', 'threshold=0.5'], 'unmasking-policy'],
  ])('are refused by %s before the model is started: %o %o', async (name, setting, options, code) => {
    const sampler = await named(name);
    const whole = {
      family: 'mdlm' as const,
      schedule,
      timeConditioned: false,
      length: 8,
      steps: 4,
      options: samplerOptions(sampler, options),
      ...setting,
    };
    expect(() => sampler.check?.(whole)).toThrow(expect.objectContaining({ code, exitCode: 2 }));
  });
});
