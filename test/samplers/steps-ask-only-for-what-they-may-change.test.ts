/** About src/samplers/posterior-step.ts: takeStep, src/sampling/draw-batch.ts: drawnPlaces, and src/sampling/draw-session.ts. */
import { describe, expect, it } from 'vitest';
import { checkpointOfGraph, openCheckpoint } from '../../src/models/checkpoint.js';
import { resolveSampler } from '../../src/samplers/registry.js';
import type { DenoiserRequest } from '../../src/samplers/sampler.js';
import { drawnPlaces } from '../../src/sampling/draw-batch.js';
import { generate } from '../../src/sampling/generate.js';
import type { ModelSource } from '../../src/sampling/generation-plan.js';
import { sampledModel } from '../../src/sampling/sample-request.js';
import { startSamplingSession } from '../../src/sampling/sampling-session.js';
import { stepsCheckpoint } from '../evals/perplexity/steps-chain.js';
import { stateTable } from '../models/sources/table-of-states.js';
import { fixture } from '../support/run.js';

const STEPS = 16;
const SAMPLES = 3;

const models = {
  duo: () => openCheckpoint(fixture('duo.onnx')),
  mdlm: () => openCheckpoint(fixture('mdlm.onnx')),
  d3pm: async () => stepsCheckpoint(),
  gidd: async () => {
    const schedule = { type: 'mixed', eps: 0.05, uniformShare: 0.4 } as const;
    const { graph } = stateTable({ width: 4, length: 2, seed: 43 });
    return checkpointOfGraph(graph(), { family: 'gidd', maskTokenId: 3, schedule }, 'table');
  },
};

const lengths = { duo: 128, mdlm: 128, d3pm: 3, gidd: 2 };

/** Samples as they are drawn, where every call is answered in full, and the share of tokens that a call asks for. */
async function both(model: keyof typeof models, spec: string, options: Record<string, string | number>) {
  const checkpoint = await models[model]();
  const sampler = await resolveSampler(spec);
  const session = await startSamplingSession({
    ...{ checkpoint, sampler: sampler.sampler, options, provider: 'cpu', threads: 1 },
    ...{ temperature: 1, topK: null, topP: null },
  });
  let asked = 0;
  let tokens = 0;
  const through = (change: (request: DenoiserRequest) => DenoiserRequest): ModelSource => ({
    ...session.source,
    denoiser: { denoise: (request) => session.source.denoiser!.denoise(change(request)) },
  });
  const counted = through((request) => {
    tokens += request.tokens.length;
    asked += request.where?.reduce((sum, one) => sum + one, 0) ?? request.tokens.length;
    return request;
  });
  const whole = through(({ where: _, ...request }) => request);
  const texts = [];
  for (const source of [counted, whole]) {
    const plan = { model: sampledModel(checkpoint), source, sampler, options, steps: STEPS };
    const size = { length: lengths[model], seed: 3, samples: SAMPLES, batch: 2 };
    const found: number[][] = [];
    for await (const batch of generate({ ...plan, ...size }))
      for (const sample of batch) found.push([...sample.tokens, sample.nfe]);
    texts.push(found);
  }
  await session.close();
  return { texts, share: asked / tokens };
}

describe('a step asks for the tokens that it may change, and its samples are the same to the last token', () => {
  it.each([
    ['duo', 'ancestral', {}, 0.5],
    ['duo', 'psi', { preset: 'remdm-cap', eta: 0.04 }, 0.9],
    ['duo', 'greedy-tail', {}, 0.5],
    ['mdlm', 'ancestral', {}, 0.3],
    ['mdlm', 'psi', { preset: 'remdm-cap', eta: 0.04 }, 0.9],
    ['d3pm', 'ancestral', {}, 0.6],
    ['gidd', 'ancestral', {}, 0.6],
  ] as const)('%s, %s %j', async (model, sampler, options, most) => {
    const { texts, share } = await both(model, sampler, options);
    expect(texts[0]).toEqual(texts[1]);
    expect(new Set(texts[0].map(String)).size).toBe(SAMPLES);
    expect(share).toBeLessThan(most);
  });
});

describe('the places of a call', () => {
  const tokens = Int32Array.of(4, 1, 4, 4, 2);
  it.each([
    [null, null, [0, 1, 2, 3, 4]],
    [4, null, [0, 2, 3]],
    [4, [0, 1, 0, 1, 1], [3]],
    [null, [0, 1, 0, 0, 1], [1, 4]],
    [4, [0, 1, 0, 0, 0], [0]], // the call is made
    [9, [1, 1, 1, 1, 1], []],
  ])('with the mask %j and %j asked for are %j', (mask, where, places) => {
    expect([...drawnPlaces({ tokens, where: where && Uint8Array.from(where) }, mask)]).toEqual(places);
  });
});
