/** About src/samplers/posterior-step.ts and src/diffusion/posterior.ts: masks and uniform noise together. */
import { expect, it } from 'vitest';
import { checkpointOfGraph } from '../../src/models/checkpoint.js';
import { resolveSampler } from '../../src/samplers/registry.js';
import { generate } from '../../src/sampling/generate.js';
import { sampledModel } from '../../src/sampling/sample-request.js';
import { startSamplingSession } from '../../src/sampling/sampling-session.js';
import { allStates, stateTable } from '../models/sources/table-of-states.js';
import { chiSquare, chiSquareLimit } from './closed-form.js';

const [TOKENS, MASK, LENGTH, STEPS, SAMPLES, SHARE, EPS] = [3, 3, 2, 3, 20_000, 0.4, 0.05];
const table = stateTable({ width: TOKENS + 1, length: LENGTH, seed: 43 });
const states = allStates(TOKENS + 1, LENGTH);

/** α_t and the probability of noise v at t, by the paper's formulas (arXiv 2503.04482, section 4). */
function noiseAt(t: number): { alpha: number; pi: (v: number) => number } {
  const c = ((2 * SHARE) / (1 - SHARE)) * Math.sqrt(t * (1 - t));
  return { alpha: (1 - t) / (1 + c), pi: (v) => (v === MASK ? t : c / TOKENS) / (1 + c) };
}

/** q(z_s | z_t, x_θ) by Bayes' rule, [tokens and mask]. */
function posterior(x: Float64Array, z: number, t: number, s: number): number[] {
  const [noisy, clean] = [noiseAt(t), noiseAt(s)];
  const kept = noisy.alpha / clean.alpha;
  const joint = [...x].map((p, v) => {
    const forward = kept * Number(v === z) + noisy.pi(z) - kept * clean.pi(z);
    return forward * (clean.alpha * p + clean.pi(v));
  });
  const total = joint.reduce((a, b) => a + b, 0);
  return joint.map((p) => p / total);
}

/** Of every text, what the chain writes it with: STEPS steps from nothing but masks, and one more to clean text. */
function written(): number[] {
  const times = [...Array.from({ length: STEPS + 1 }, (_, i) => 1 - (i * (1 - 1e-5)) / STEPS), 0];
  let now = states.map((z) => Number(z.every((token) => token === MASK)));
  for (let i = 0; i + 1 < times.length; i++) {
    const [t, s] = [times[i], times[i + 1]];
    const next = states.map(() => 0);
    for (const [from, z] of states.entries()) {
      if (now[from] === 0) continue; // at t = 1 there is nothing but masks
      const rows = z.map((token, l) =>
        posterior(table.distribution(z, l, Math.min(1 - EPS, t), MASK), token, t, s),
      );
      for (const [to, later] of states.entries())
        next[to] += later.reduce((p, token, l) => p * rows[l][token], now[from]);
    }
    now = next;
  }
  return now;
}

it('texts come as often as the reverse chain says; the network is told the time', async () => {
  const schedule = { type: 'mixed', eps: EPS, uniformShare: SHARE } as const;
  const checkpoint = checkpointOfGraph(
    table.graph(),
    { family: 'gidd', maskTokenId: MASK, schedule },
    'mixed',
  );
  expect(checkpoint.fields.timestepInput.value).toBe('t');
  const { sampler, module } = await resolveSampler('ancestral');
  const on = { provider: 'cpu', threads: 1, temperature: 1, topK: null, topP: null } as const;
  const session = await startSamplingSession({ checkpoint, sampler, options: {}, ...on });
  const counts = new Map<string, number>();
  const plan = { model: sampledModel(checkpoint), source: session.source, sampler: { sampler, module } };
  const many = { options: {}, steps: STEPS, length: LENGTH, seed: 5, samples: SAMPLES, batch: 2000 };
  for await (const batch of generate({ ...plan, ...many }))
    for (const { tokens } of batch) counts.set(tokens.join(), (counts.get(tokens.join()) ?? 0) + 1);
  await session.close();

  const expected = written();
  const texts = [...states.keys()].filter((state) => !states[state].includes(MASK));
  const probabilities = texts.map((state) => expected[state]);
  expect(probabilities.reduce((a, b) => a + b)).toBeCloseTo(1, 9);
  const observed = texts.map((state) => counts.get(states[state].join()) ?? 0);
  expect(observed.reduce((a, b) => a + b)).toBe(SAMPLES);
  expect(chiSquare(observed, probabilities)).toBeLessThan(chiSquareLimit(texts.length - 1));
});
