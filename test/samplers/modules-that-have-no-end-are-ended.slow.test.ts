import { describe, expect, it } from 'vitest';
import { resolveSampler } from '../../src/samplers/registry.js';
import { temporaryFolder } from '../support/folder.js';
import { patient } from '../support/patience.js';
import { independent, type Request, sampled } from './closed-form.js';

const folder = temporaryFolder();
let written = 0;

/** A module whose sampler does this with its run. */
const moduleOf = (body: string, before = '', more = '') =>
  folder.file(
    `own-${written++}.mjs`,
    `${before}\nexport default { name: 'own', summary: 'One.', families: ['duo'], ${more}
     async *sample(run) { ${body} } };`,
  );

const samplesOf = (path: string, request: Partial<Request> = {}) =>
  sampled(independent([0.5, 0.3, 0.2], 'duo'), {
    sampler: path,
    timeoutMs: patient(400),
    samples: 2,
    ...request,
  });

const refused = (code: string, path: string, message: RegExp) =>
  expect.objectContaining({
    code,
    exitCode: 2,
    message: expect.stringMatching(new RegExp(`${path.split('/').at(-1)}.*${message.source}`)),
  });

describe('a module', () => {
  it.each([
    ['computes for ever', 'for (;;);', 'sampler-hung', /\d s of its own time, in step 0/],
    ['computes for ever after a step', 'yield; for (;;);', 'sampler-hung', /in step 1/],
    ['is busy for ever', 'for (;;) await new Promise((r) => setTimeout(r, 9));', 'sampler-hung', /in step 0/],
    ['awaits what never comes', 'await new Promise(() => {});', 'sampler-waits-for-ever', /in step 0/],
    [
      'awaits what never comes after a call',
      'await run.denoise({ t: 1, step: 0 }); yield; await new Promise(() => {});',
      'sampler-waits-for-ever',
      /in step 1/,
    ],
    ['ends its process with success', 'process.exit(0);', 'sampler-left', /in step 0.*process\.exit/],
    ['yields for ever', 'for (;;) yield;', 'sampler-endless', /1800 steps and model calls/],
    [
      'calls the model for ever',
      'for (let step = 0; ; step++) await run.denoise({ t: 1, step });',
      'sampler-endless',
      /does not come to an end/,
    ],
    [
      'lets a promise fail that nobody awaits',
      'Promise.reject(new Error("lost")); await new Promise((r) => setTimeout(r, 200)); yield;',
      'sampler-failed',
      /broke off: lost/,
    ],
  ])('that %s is ended with a sentence', async (_what, body, code, message) => {
    const path = moduleOf(body);
    await expect(samplesOf(path)).rejects.toEqual(refused(code, path, message));
  });

  it.each([
    ['leaves as it is loaded', 'process.exit(0);', 'sampler-left', /while it was loaded/],
    [
      'never finishes loading',
      'await new Promise(() => {});',
      'sampler-waits-for-ever',
      /while it was loaded/,
    ],
  ])('that %s is none', async (_what, before, code, message) => {
    const path = moduleOf('', before);
    await expect(resolveSampler(path)).rejects.toEqual(refused(code, path, message));
  });

  it('that has gone on to its end before a bad step was seen is refused for that step', async () => {
    const path = moduleOf('yield; run.tokens.fill(-1); yield; run.tokens.fill(0); yield;');
    await expect(samplesOf(path)).rejects.toMatchObject({
      code: 'sampler-token-out-of-range',
      message: expect.stringMatching(/the token -1 in step 1/),
    });
    const other = moduleOf('try { yield 1; yield; } finally { console.error("let go"); }');
    await expect(samplesOf(other)).rejects.toMatchObject({ code: 'sampler-wrong-shape' });
  });

  it('that is ended can be started anew', async () => {
    const path = moduleOf('if (run.steps === 1) for (;;); yield;');
    await expect(samplesOf(path, { steps: 1 })).rejects.toMatchObject({ code: 'sampler-hung' });
    expect(await samplesOf(path, { steps: 2 })).toHaveLength(2);
  });

  it('that computes for ever is left at an interruption, not only at its time limit', async () => {
    const stop = new AbortController();
    const run = samplesOf(moduleOf('for (;;);'), { timeoutMs: 1e6, signal: stop.signal });
    setTimeout(() => stop.abort(new Error('stopped by a person')), 300);
    await expect(run).rejects.toThrow('stopped by a person');
  });

  it('that takes its time within the limit, step after step, is let be', async () => {
    const step = patient(100);
    const path = moduleOf(
      `for (let s = 0; s < 10; s++) { await new Promise((r) => setTimeout(r, ${step})); yield; }`,
    );
    expect(await samplesOf(path, { timeoutMs: 9 * step })).toHaveLength(2);
  });

  it('is not held to the time that the model takes, even where it goes on meanwhile', async () => {
    const path = moduleOf('const z = run.denoise({ t: 1, step: 0 }); yield; await z; yield;');
    const form = independent([0.5, 0.5], 'duo');
    const slow: typeof form = {
      ...form,
      denoise: (request) => new Promise((r) => setTimeout(() => r(form.denoise(request)), patient(900))),
    };
    expect(await sampled(slow, { sampler: path, timeoutMs: patient(400), samples: 2 })).toHaveLength(2);
  });

  it('that refuses its settings has the schedule at hand, and is heard each time', async () => {
    const { sampler } = await resolveSampler(
      moduleOf(
        '',
        '',
        'check({ steps, schedule }) { if (schedule.alpha(0) === 1) throw new Error("not " + steps); },',
      ),
    );
    const setting = { family: 'duo', timeConditioned: false, length: 4, options: {} } as const;
    const { noiseSchedule } = await import('../../src/diffusion/schedule.js');
    const schedule = noiseSchedule({ type: 'log-linear' });
    await expect(sampler.check!({ ...setting, schedule, steps: 7 })).rejects.toThrow('not 7');
    await expect(sampler.check!({ ...setting, schedule, steps: 8 })).rejects.toThrow('not 8');
  });
});
