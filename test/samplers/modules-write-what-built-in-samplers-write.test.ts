import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openCheckpoint } from '../../src/models/checkpoint.js';
import { generate } from '../../src/sampling/generate.js';
import type { GeneratedSample } from '../../src/sampling/generation-plan.js';
import { prepareSampling } from '../../src/sampling/prepare-sampling.js';
import { sampledModel } from '../../src/sampling/sample-request.js';
import { startSamplingSession } from '../../src/sampling/sampling-session.js';
import { temporaryFolder } from '../support/folder.js';
import { fixture, root } from '../support/run.js';
import { independent, sampled } from './closed-form.js';

const folder = temporaryFolder();
const compiled = (file: string) => join(root, 'dist', 'samplers', `${file}.js`);

/** A module that is one of this program's samplers, and so runs in a thread of its own. */
const asModule = (file: string, name: string) =>
  folder.file(`${name}.mjs`, `export { ${name} as default } from ${JSON.stringify(compiled(file))};`);

interface Kept {
  samples: GeneratedSample[];
  /** Tokens after every step. */
  steps: string[];
}

async function written(model: string, sampler: string, infill?: string): Promise<Kept> {
  const checkpoint = await openCheckpoint(fixture(model));
  const request = await prepareSampling({
    ...{ checkpoint, sampler, samplerOptions: [], steps: 5, samples: 3, length: 12, batch: 2, seed: 3 },
    ...{ temperature: 0.9, topK: null, topP: 0.95, infill, protocol: 'duo', provider: 'cpu', threads: 1 },
    ...{ fresh: true, traced: false },
  });
  const session = await startSamplingSession({ ...request, sampler: request.sampler.sampler });
  const kept: Kept = { samples: [], steps: [] };
  const plan = { ...request, model: sampledModel(checkpoint), source: session.source };
  const onStep = ({ step, tokens }: { step: number; tokens: Int32Array }) =>
    kept.steps.push(`${step}: ${tokens.join()}`);
  for await (const batch of generate({ ...plan, onStep }))
    for (const { seconds, ...sample } of batch)
      kept.samples.push({ ...sample, seconds: seconds > 0 ? 1 : 0 });
  await session.close();
  return kept;
}

it.each([
  ['markov-mdlm.onnx', 'ancestral', 'ancestral', 'a<gap 4>b<gap>'],
  ['markov-duo.onnx', 'psi', 'psi', undefined],
  ['markov-duo.onnx', 'gaussian', 'gaussian', undefined],
  ['ar.onnx', 'autoregressive', 'autoregressive', undefined],
])('of %s by %s, bit for bit and call for call, at every step', async (model, file, name, infill) => {
  const [builtIn, module] = [name === 'autoregressive' ? 'ar' : name, asModule(file, name)];
  const expected = await written(model, builtIn, infill);
  expect(expected.samples.map(({ sample }) => sample)).toEqual([0, 1, 2]);
  expect(expected.steps.length).toBeGreaterThan(6);
  expect(await written(model, module, infill)).toEqual(expected);
});

it('what the model says of a call reaches the module, which may handle it or hand it on', async () => {
  const body = (then: string) => `export default { name: 'own', summary: 'One.', families: ['duo'],
    async *sample(run) {
      try { await run.denoise({ t: 2, step: 0 }); } catch (error) { ${then} }
      yield;
    } };`;
  const form = independent([0.5, 0.5], 'duo');
  const handing = folder.file('handing.mjs', body('throw error;'));
  const handling = folder.file('handling.mjs', body('if (error.code !== "sampler-bad-call") throw 7;'));
  await expect(sampled(form, { sampler: handing })).rejects.toMatchObject({
    code: 'sampler-bad-call',
    message: expect.stringMatching(/time 2/),
  });
  expect(await sampled(form, { sampler: handling })).toHaveLength(8);
});

it('what a module throws is told with its own line', async () => {
  const path = folder.file(
    'throwing.mjs',
    'export default { name: "own", summary: "One.", families: ["duo"],\n\n async *sample(run) { run.uniforms("no", 0); } };',
  );
  await expect(sampled(independent([0.5, 0.5], 'duo'), { sampler: path })).rejects.toMatchObject({
    code: 'sampler-failed',
    message: expect.stringMatching(
      /throwing\.mjs failed in step 0: there is no purpose "no" of uniforms \(line 3\)/,
    ),
  });
});

it('a module that was changed runs as it is now', async () => {
  const body = (id: number) =>
    folder.file(
      'changing.mjs',
      `export default { name: 'own', summary: 'One.', families: ['duo'], async *sample(run) { run.tokens.fill(${id}); yield; } };`,
    );
  const form = independent([0.5, 0.3, 0.2], 'duo');
  for (const id of [1, 2]) {
    const [{ tokens }] = await sampled(form, { sampler: body(id), samples: 1 });
    expect([...tokens]).toEqual([id, id, id, id]);
  }
});
