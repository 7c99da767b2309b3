/** About src/diffusion/heads/draw.ts and src/sampling/counted-model.ts */
import { expect, it } from 'vitest';
import { openCheckpoint } from '../../src/models/checkpoint.js';
import type { Denoised } from '../../src/samplers/sampler.js';
import { type DrawSessionOptions, startDrawSession } from '../../src/sampling/draw-session.js';
import { generate } from '../../src/sampling/generate.js';
import { prepareSampling } from '../../src/sampling/prepare-sampling.js';
import { sampledModel } from '../../src/sampling/sample-request.js';
import { startSamplingSession } from '../../src/sampling/sampling-session.js';
import { temporaryFolder } from '../support/folder.js';
import { fixture } from '../support/run.js';

const LENGTH = 16;
const MASK = 1024;
const tokens = Int32Array.from({ length: 2 * LENGTH }, (_, i) => (i % 3 ? MASK : (i * 37) % 1000));
const uniforms = Float64Array.from(tokens, (_, i) => (i * 0.618034) % 1);
const request = { tokens, batch: 2, length: LENGTH, sigma: 0.7, uniforms };

async function started(options: Partial<DrawSessionOptions> = {}) {
  const checkpoint = await openCheckpoint(fixture('mdlm.onnx'));
  return startDrawSession({ checkpoint, provider: 'cpu', threads: 1, ...options });
}

it('a score is of the network, whatever shapes the draw; the draw is that without a score', async () => {
  const plain = await started();
  const hot = await started({ temperature: 2, topK: 3, score: 'max-probability' });
  const greedy = await plain.denoise({ ...request, uniforms: null });
  const without = await plain.denoise(request);
  const scored = await plain.denoise({ ...request, score: 'max-probability' });
  const { score, ...draw } = scored;
  expect(draw).toEqual(without);
  expect(without.score).toBeUndefined();
  const ofHot = (await hot.denoise({ ...request, score: 'max-probability' })).score!;
  const margin = (await plain.denoise({ ...request, score: 'margin' })).score!;
  for (const [i, z] of tokens.entries()) {
    if (z !== MASK) continue;
    // The largest probability is that of the most probable token.
    expect(Math.abs(score![i] - greedy.probability[i])).toBeLessThan(1e-6);
    expect(ofHot[i]).toBe(score![i]);
    expect(margin[i]).toBeGreaterThanOrEqual(0);
    expect(margin[i]).toBeLessThan(score![i]);
  }
  await Promise.all([plain.close(), hot.close()]);
});

/** What a module gets of one call. */
async function asked(model: string, score: string): Promise<Denoised['score']> {
  const folder = temporaryFolder();
  const module = folder.file(
    'own.mjs',
    `export default { name: 'own', summary: 'One.', families: ['mdlm', 'duo'],
    async *sample({ denoise, tokens, maskTokenId }) {
      const { token, score } = await denoise({ t: 1, step: 0, score: ${JSON.stringify(score)} });
      tokens.set(token);
      for (const [i, own] of score.entries()) tokens[i] = Math.round(own * 1000);
      yield;
    } };`,
  );
  const checkpoint = await openCheckpoint(fixture(model));
  const prepared = await prepareSampling({
    ...{
      checkpoint,
      sampler: module,
      samplerOptions: [],
      steps: 1,
      samples: 1,
      length: 8,
      batch: 1,
      seed: 3,
    },
    ...{ temperature: 1, topK: null, topP: null, protocol: 'duo', provider: 'cpu', threads: 1 },
    ...{ fresh: true, traced: false },
  });
  const session = await startSamplingSession({ ...prepared, sampler: prepared.sampler.sampler });
  try {
    const plan = { ...prepared, model: sampledModel(checkpoint), source: session.source };
    for await (const [sample] of generate(plan)) return Float64Array.from(sample.tokens, (own) => own / 1000);
  } finally {
    await session.close();
  }
  return undefined;
}

it('a module may ask for a score, which the model must have', async () => {
  const score = await asked('mdlm.onnx', 'max-probability');
  expect(score).toHaveLength(8);
  // With everything masked, all positions of this network have one distribution.
  expect(new Set(score).size).toBe(1);
  expect(score![0]).toBeGreaterThan(0);
  await expect(asked('mdlm.onnx', 'sureness')).rejects.toMatchObject({
    code: 'sampler-bad-call',
    exitCode: 2,
  });
  await expect(asked('duo.onnx', 'margin')).rejects.toMatchObject({ code: 'sampler-bad-call', exitCode: 2 });
});
