import { describe, expect, it } from 'vitest';
import { type Checkpoint, checkpointOfGraph } from '../../src/models/checkpoint.js';
import { markovChain } from '../../src/models/sources/markov.js';
import {
  markovDenoiser,
  type SourceFamily,
  sourceVocabSize,
} from '../../src/models/sources/markov-denoiser.js';
import { resolveSampler, samplerOptions } from '../../src/samplers/registry.js';
import { generate } from '../../src/sampling/generate.js';
import type { GeneratedSample } from '../../src/sampling/generation-plan.js';
import { sampledModel } from '../../src/sampling/sample-request.js';
import { startSamplingSession } from '../../src/sampling/sampling-session.js';
import { chiSquare, chiSquareLimit, pairCounts } from './closed-form.js';

/** Exact models of a chain, through the runtime and the heads that a real checkpoint gets. */
const K = 3;
const chain = markovChain([0.6, 0.3, 0.1], [0.1, 0.8, 0.1, 0.05, 0.15, 0.8, 0.85, 0.1, 0.05]);
const LENGTH = 4;
const SAMPLES = 1500;
const STEPS = 48;

function exactPairs(): number[] {
  const second = [0, 1, 2].map((w) =>
    [0, 1, 2].reduce((sum, v) => sum + chain.initial[v] * chain.transition[v * K + w], 0),
  );
  return second.flatMap((p, v) => [0, 1, 2].map((w) => p * chain.transition[v * K + w]));
}

function checkpoint(family: SourceFamily): Checkpoint {
  const masked = family === 'mdlm' || family === 'sedd';
  return checkpointOfGraph(
    markovDenoiser(chain, family),
    {
      family,
      vocabSize: sourceVocabSize(chain, family),
      length: LENGTH,
      timeConditioning: family === 'duo',
      ...(masked && { maskTokenId: K }),
      ...(family !== 'ar' && { schedule: { type: 'log-linear', eps: 1e-3 } }),
      ...(family === 'ar' && { bosTokenId: 0 }),
    },
    `chain-${family}`,
  );
}

async function samplesOf(
  family: SourceFamily,
  name: string,
  options: string[] = [],
  batch = 500,
  samples = SAMPLES,
): Promise<GeneratedSample[]> {
  const model = checkpoint(family);
  const sampler = await resolveSampler(name);
  const values = samplerOptions(sampler.sampler, options);
  const session = await startSamplingSession({
    checkpoint: model,
    sampler: sampler.sampler,
    options: values,
    provider: 'cpu',
    threads: 1,
    temperature: 1,
    topK: null,
    topP: null,
  });
  const all: GeneratedSample[] = [];
  try {
    const plan = { sampler, options: values, steps: STEPS, length: LENGTH, seed: 7, samples, batch };
    for await (const part of generate({ ...plan, model: sampledModel(model), source: session.source }))
      all.push(...part);
  } finally {
    await session.close();
  }
  return all;
}

const ways: [SourceFamily, string, string[]][] = [
  ['duo', 'ancestral', []],
  ['duo', 'psi', ['middle=constant-0.9']],
  ['duo', 'gaussian', []],
  ['mdlm', 'ancestral', []],
  ['mdlm', 'ancestral-cache', []],
  ['sedd', 'analytic', []],
];

describe('a checkpoint that knows a chain', () => {
  it.each(ways)('%s writes it by %s %o', async (family, name, options) => {
    const samples = await samplesOf(family, name, options);
    const counts = pairCounts(samples, K, 1, 2);
    const worst = Math.max(...exactPairs().map((p, i) => Math.abs(counts[i] / SAMPLES - p)));
    expect(worst).toBeLessThan(0.04);
    if (name !== 'gaussian') expect(samples.every(({ nfe }) => nfe >= 1 && nfe <= STEPS + 1)).toBe(true);
  });

  it('ar writes it from left to right, exactly', async () => {
    const samples = await samplesOf('ar', 'ar');
    const first = [0, 1, 2].map((v) => chain.transition[v]);
    const pairs = first.flatMap((p, v) => [0, 1, 2].map((w) => p * chain.transition[v * K + w]));
    expect(chiSquare(pairCounts(samples, K, 1, 2), pairs)).toBeLessThan(chiSquareLimit(K * K - 1));
    expect(samples.every(({ tokens, nfe }) => tokens[0] === 0 && nfe === LENGTH - 1)).toBe(true);
  });

  it.each([...ways, ['ar', 'ar', []] as [SourceFamily, string, string[]]])(
    '%s writes the same by %s %o one sample at a time',
    async (family, name, options) => {
      const bare = (samples: GeneratedSample[]) => samples.map(({ seconds, ...rest }) => rest);
      const apart = await samplesOf(family, name, options, 1, 6);
      expect(bare(await samplesOf(family, name, options, 5, 6))).toEqual(bare(apart));
    },
  );
});
