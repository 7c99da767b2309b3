import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { resolveSampler } from '../../src/samplers/registry.js';
import type { Sampler, SamplingRun } from '../../src/samplers/sampler.js';
import { temporaryFolder } from '../support/folder.js';
import { independent, sampled } from './closed-form.js';

const folder = temporaryFolder().root;

let written = 0;
function moduleOf(text: string): string {
  const path = join(folder, `own-${written++}.mjs`);
  writeFileSync(path, text);
  return path;
}

const good = `export default {
  name: 'own', summary: 'One.', families: ['duo'],
  async *sample(run) { await run.denoise({ t: 1, step: 0 }); yield; },
};`;

describe('a module with a sampler', () => {
  it('is loaded, and named by its path and digest', async () => {
    const path = moduleOf(good);
    const { sampler, module } = await resolveSampler(path);
    expect(sampler.name).toBe('own');
    expect(module).toEqual({ path, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
  });

  it.each([
    ['is missing', () => join(folder, 'nowhere.mjs'), 'sampler-module-not-found', /nowhere\.mjs/],
    ['does not parse', () => moduleOf('export default {'), 'sampler-module-broken', /cannot be loaded/],
    ['throws', () => moduleOf('throw new Error("no luck")'), 'sampler-module-broken', /no luck/],
    ['exports nothing', () => moduleOf('export const x = 1;'), 'sampler-module-invalid', /not a sampler/],
    [
      'has no sample',
      () => moduleOf(good.replace('sample', 'simple')),
      'sampler-module-invalid',
      /: sample: /,
    ],
    [
      'has another family',
      () => moduleOf(good.replace("'duo'", "'dou'")),
      'sampler-module-invalid',
      /families\.0/,
    ],
    ['has no family', () => moduleOf(good.replace("'duo'", '')), 'sampler-module-invalid', /families/],
    [
      'has a bad name',
      () => moduleOf(good.replace("'own'", "'My own'")),
      'sampler-module-invalid',
      /: name: /,
    ],
    [
      'has an option without default',
      () => moduleOf(good.replace('families', 'options: { a: {} }, families')),
      'sampler-module-invalid',
      /options\.a/,
    ],
  ])('that %s is refused', async (_what, path, code, message) => {
    await expect(resolveSampler(path())).rejects.toMatchObject({
      code,
      exitCode: 2,
      message: expect.stringMatching(message),
    });
  });
});

const own = (sample: (run: SamplingRun) => AsyncGenerator<void>): Sampler => ({
  name: 'own',
  summary: '',
  families: ['duo'],
  sample,
});

const misbehaving: [string, Sampler, string, RegExp][] = [
  [
    'throws',
    own(async function* () {
      yield;
      throw new Error('no luck');
    }),
    'sampler-failed',
    /own\.mjs failed in step 1: no luck/,
  ],
  [
    'writes a token that there is not',
    own(async function* ({ tokens }) {
      tokens[2] = 3;
      yield;
    }),
    'sampler-token-out-of-range',
    /the token 3 in step 0; .* 0 to 2/,
  ],
  [
    'writes one after its last step',
    own(async function* ({ tokens }) {
      yield;
      tokens[0] = -1;
    }),
    'sampler-token-out-of-range',
    /the token -1 in step 1/,
  ],
  [
    'replaces the tokens',
    own(async function* (run) {
      (run as { tokens: Int32Array }).tokens = new Int32Array(3);
      yield;
    }),
    'sampler-wrong-shape',
    /replaced run\.tokens/,
  ],
  [
    'yields tokens',
    own(async function* (run) {
      yield run.tokens as never;
    }),
    'sampler-wrong-shape',
    /yields a value/,
  ],
  ['is no generator', own((() => 7) as never), 'sampler-failed', /failed in step 0/],
  [
    'calls at no time',
    own(async function* (run) {
      await run.denoise({ t: 1.5, step: 0 });
      yield;
    }),
    'sampler-bad-call',
    /time 1\.5/,
  ],
  [
    'uses random numbers twice',
    own(async function* (run) {
      await run.denoise({ t: 1, step: 1 });
      await run.denoise({ t: 0.5, step: 1 });
      yield;
    }),
    'sampler-bad-call',
    /step 1 after the step 1/,
  ],
  [
    'skips by another shape',
    own(async function* (run) {
      await run.denoise({ t: 1, step: 1, skip: new Uint8Array(9) });
      yield;
    }),
    'sampler-bad-call',
    /skip of 9 entries for 2/,
  ],
];

describe('a sampler of one’s own', () => {
  it.each(misbehaving)('that %s ends in a sentence', async (_what, sampler, code, message) => {
    const run = sampled(independent([0.5, 0.3, 0.2], 'duo'), { sampler, samples: 2 });
    await expect(run).rejects.toMatchObject({ code, exitCode: 2, message: expect.stringMatching(message) });
  });

  it('is interrupted between steps', async () => {
    const stop = new AbortController();
    const endless = own(async function* () {
      for (let step = 0; ; step++) {
        if (step === 3) stop.abort(new Error('stopped'));
        yield;
      }
    });
    const run = sampled(independent([0.5, 0.5], 'duo'), { sampler: endless, signal: stop.signal });
    await expect(run).rejects.toThrow('stopped');
  });
});
