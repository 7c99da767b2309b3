import { describe, expect, it } from 'vitest';
import { samplers } from '../../src/samplers/registry.js';
import { unevenChain } from '../models/sources/chains.js';
import { closedForm, type DiffusionFamily, sampled } from '../samplers/closed-form.js';

const chain = unevenChain(4, 7);
const cases = samplers
  .filter(({ needs }) => !needs)
  .flatMap(({ name, families, options = {} }) =>
    families
      .filter((family): family is DiffusionFamily => family !== 'ar' && family !== 'bd3lm')
      .map((family) => ({ name, family, options: 'randomness' in options ? ['randomness=1'] : [] })),
  );

describe('samples', () => {
  it.each(cases)(
    'of $name for $family are the same in batches of 1, 3 and 64',
    async ({ name, family, options }) => {
      const run = (batch: number, seed = 1) =>
        sampled(closedForm(chain, family), {
          sampler: name,
          options,
          steps: 6,
          length: 7,
          samples: 8,
          batch,
          seed,
        });
      const whole = (await run(64)).map(({ sample, tokens, nfe }) => ({ sample, tokens, nfe }));
      for (const batch of [1, 3])
        expect((await run(batch)).map(({ sample, tokens, nfe }) => ({ sample, tokens, nfe }))).toEqual(whole);
      const texts = new Set(whole.map(({ tokens }) => tokens.join()));
      expect(texts.size).toBeGreaterThan(4);
      const others = (await run(64, 2)).map(({ tokens }) => tokens);
      expect(others).not.toEqual(whole.map(({ tokens }) => tokens));
    },
  );

  it('can be begun at any sample', async () => {
    const run = (first: number) =>
      sampled(closedForm(chain, 'duo'), { sampler: 'ancestral', samples: 8, batch: 3, first });
    const tokens = (samples: Awaited<ReturnType<typeof run>>) =>
      samples.map((one) => [one.sample, one.tokens]);
    expect(tokens(await run(5))).toEqual(tokens(await run(0)).slice(5));
  });
});
