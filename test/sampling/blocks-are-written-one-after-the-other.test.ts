/** About src/sampling/block-draws.ts, block-state.ts and src/samplers/ancestral.ts */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resolveSampler, samplerOptions } from '../../src/samplers/registry.js';
import type { Denoiser } from '../../src/samplers/sampler.js';
import { startDrawSession } from '../../src/sampling/draw-session.js';
import { generate } from '../../src/sampling/generate.js';
import { checkSampleRequest, sampledModel } from '../../src/sampling/sample-request.js';
import {
  type BlocksNetwork,
  blocksCheckpoint,
  blocksNetwork,
  expected,
} from '../models/importers/published-blocks.js';

const MASK: number = expected.mask_token_id;
let checkpoint: Awaited<ReturnType<typeof blocksCheckpoint>>;
let network: BlocksNetwork;
const sessions: { cached: Denoiser; uncached: Denoiser } = {} as never;
const closing: (() => Promise<void>)[] = [];
beforeAll(async () => {
  checkpoint = await blocksCheckpoint();
  network = await blocksNetwork();
  for (const [name, cache] of [
    ['cached', true],
    ['uncached', false],
  ] as const) {
    const session = await startDrawSession({ checkpoint, provider: 'cpu', threads: 1, cache });
    closing.push(() => session.close());
    sessions[name] = session;
  }
});
afterAll(() => Promise.all(closing.map((close) => close())));

interface Asked {
  sampler: string;
  options?: string[];
  length: number;
  steps?: number;
  batch?: number;
  samples?: number;
}

async function samplesOf(denoiser: Denoiser, asked: Asked) {
  const { length, steps = length, batch = 3, samples = 3 } = asked;
  const { sampler, module } = await resolveSampler(asked.sampler);
  const tokens = new Int32Array(length);
  const fixed = new Uint8Array(length);
  [tokens[0], fixed[0]] = [5, 1];
  const plan = {
    ...{ model: sampledModel(checkpoint), source: { denoiser }, sampler: { sampler, module } },
    ...{ options: samplerOptions(sampler, asked.options ?? []), given: { tokens, fixed } },
    ...{ steps, length, samples, batch, seed: 7 },
  };
  const made = [];
  for await (const some of generate(plan)) made.push(...some);
  return made.map(({ tokens, nfe }) => ({ tokens: [...tokens], nfe }));
}

const cases: Asked[] = [
  { sampler: 'unmask', length: 16 },
  { sampler: 'unmask', length: 16, options: ['order=random', 'tokens-per-call=1'] },
  { sampler: 'unmask', length: 16, options: ['order=entropy', 'block=2', 'tokens-per-call=2'] },
  { sampler: 'ancestral', length: 16 },
  { sampler: 'ancestral', length: 16, steps: 1000 },
  { sampler: 'unmask', length: 43, options: ['tokens-per-call=2'] },
  { sampler: 'ancestral', length: 30, steps: 30 },
];

describe.each(cases)('$sampler $options, $length tokens', (asked) => {
  it('is the same with cached keys and values as without, and in any batch', async () => {
    const cached = await samplesOf(sessions.cached, asked);
    expect(await samplesOf(sessions.uncached, asked)).toEqual(cached);
    expect(await samplesOf(sessions.cached, { ...asked, batch: 1 })).toEqual(cached);
    for (const { tokens } of cached) {
      expect(tokens[0]).toBe(5);
      expect(tokens).not.toContain(MASK);
    }
    expect(new Set(cached.map(({ tokens }) => tokens.join())).size).toBe(3);
  });
});

describe('calls', () => {
  it('a token each takes L′ calls a block; BOS needs none', async () => {
    const samples = await samplesOf(sessions.cached, {
      sampler: 'unmask',
      length: 16,
      options: ['tokens-per-call=1'],
    });
    for (const { nfe } of samples) expect(nfe).toBe(15);
  });

  it('ancestral steps that reveal nothing need none', async () => {
    for (const { nfe } of await samplesOf(sessions.cached, {
      sampler: 'ancestral',
      length: 16,
      steps: 10_000,
    }))
      expect(nfe).toBeLessThanOrEqual(15);
    for (const { nfe } of await samplesOf(sessions.cached, { sampler: 'ancestral', length: 16, steps: 1 }))
      expect(nfe).toBe(4);
  });
});

/** Probabilities of the text tokens by the logits of a row. */
const softmax = (logits: readonly number[]) => {
  const weights = logits.map((f, v) => (v === MASK ? 0 : Math.exp(f)));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
};

describe('a token is drawn from the distribution', () => {
  it.each(['cached', 'uncached'] as const)('that the reference has there, %s', async (name) => {
    const tokens = Int32Array.from(expected.sample_mode.input_ids[0]);
    for (const u of [0.05, 0.4, 0.93]) {
      const request = { tokens, batch: 1, length: 12, sigma: 0, uniforms: new Float64Array(12).fill(u) };
      const { token, probability } = await sessions[name].denoise(request);
      for (const l of [8, 9]) {
        const p = softmax(expected.sample_mode.logits[0][l]);
        expect(probability[l]).toBeCloseTo(p[token[l]], 5);
        const before = p.slice(0, token[l]).reduce((sum, q) => sum + q, 0);
        expect(u).toBeGreaterThan(before - 1e-5);
        expect(u).toBeLessThan(before + p[token[l]] + 1e-5);
      }
    }
  });

  it.each(['cached', 'uncached'] as const)(
    'of a window that starts anew where the text is longer, %s',
    async (name) => {
      const text: number[] = [...expected.inputs.x_0[0], ...expected.inputs.x_0[1]].slice(0, 24);
      const tokens = Int32Array.from([...text, MASK, 7, MASK, 23]);
      // The window holds 16 tokens: the 12 before the block and the block.
      const counted = Array.from({ length: 16 }, (_, l) => l);
      const { logits } = await network.run(
        [...text.slice(12), MASK, 7, MASK, 23],
        counted,
        counted.map(() => 1),
      );
      const rows = logits.data as Float32Array;
      const request = { tokens, batch: 1, length: 28, sigma: 0, uniforms: null };
      const { token, probability } = await sessions[name].denoise(request);
      for (const l of [24, 26]) {
        const p = softmax(Array.from(rows.subarray((l - 12) * 62, (l - 11) * 62)));
        expect(p[token[l]]).toBe(Math.max(...p));
        expect(probability[l]).toBeCloseTo(p[token[l]], 5);
      }
    },
  );
});

it('given text in later blocks than the first gap is refused', async () => {
  const { sampler, module } = await resolveSampler('unmask');
  const fixed = Uint8Array.from({ length: 16 }, (_, l) => Number(l < 5 || l > 12));
  const request = {
    ...{ checkpoint, sampler: { sampler, module }, options: samplerOptions(sampler, []) },
    ...{
      given: { tokens: new Int32Array(16), fixed },
      steps: 8,
      length: 16,
      temperature: 1,
      topK: null,
      topP: null,
    },
  };
  await expect(checkSampleRequest(request as never)).rejects.toMatchObject({ code: 'infill-from-left' });
});
