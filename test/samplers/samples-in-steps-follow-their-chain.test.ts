/** About src/samplers/ancestral.ts: models in discrete time. */
import { expect, it } from 'vitest';
import { resolveSampler } from '../../src/samplers/registry.js';
import { generate } from '../../src/sampling/generate.js';
import { sampledModel } from '../../src/sampling/sample-request.js';
import { startSamplingSession } from '../../src/sampling/sampling-session.js';
import { LENGTH, STEPS, stepsCheckpoint, written } from '../evals/perplexity/steps-chain.js';
import { chiSquare, chiSquareLimit } from './closed-form.js';

const SAMPLES = 20_000;

async function nfeAndTexts(steps: number) {
  const checkpoint = stepsCheckpoint();
  const { sampler, module } = await resolveSampler('ancestral');
  const on = { provider: 'cpu', threads: 1, temperature: 1, topK: null, topP: null } as const;
  const session = await startSamplingSession({ checkpoint, sampler, options: {}, ...on });
  const counts = new Map<string, number>();
  const nfe = new Set<number>();
  const plan = { model: sampledModel(checkpoint), source: session.source, sampler: { sampler, module } };
  const many = { options: {}, steps, length: LENGTH, seed: 5, samples: SAMPLES, batch: 2000 };
  for await (const batch of generate({ ...plan, ...many })) {
    for (const sample of batch) {
      const text = sample.tokens.join();
      counts.set(text, (counts.get(text) ?? 0) + 1);
      nfe.add(sample.nfe);
    }
  }
  await session.close();
  return { counts, nfe };
}

const expected = written();

it('the texts of as many steps as the bound come as often as the reverse chain says, the mask included', async () => {
  expect(expected.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 12);
  const { counts, nfe } = await nfeAndTexts(STEPS);
  const observed = expected.map(({ text }) => counts.get(text.join()) ?? 0);
  expect(observed.reduce((a, b) => a + b)).toBe(SAMPLES);
  const probabilities = expected.map(({ probability }) => probability);
  expect(chiSquare(observed, probabilities)).toBeLessThan(chiSquareLimit(expected.length - 1));
  // A call a step, fewer where nothing is masked any more.
  expect(Math.max(...nfe)).toBe(STEPS);
});

it('other numbers of steps write other texts', async () => {
  const { counts } = await nfeAndTexts(1);
  const observed = expected.map(({ text }) => counts.get(text.join()) ?? 0);
  const probabilities = expected.map(({ probability }) => probability);
  expect(chiSquare(observed, probabilities)).toBeGreaterThan(2 * chiSquareLimit(expected.length - 1));
});
