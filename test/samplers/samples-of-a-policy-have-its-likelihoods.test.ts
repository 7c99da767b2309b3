import { afterAll, describe, expect, it } from 'vitest';
import type { Checkpoint } from '../../src/models/checkpoint.js';
import { resolveSampler, samplerOptions } from '../../src/samplers/registry.js';
import type { OptionValue, Sampler } from '../../src/samplers/sampler.js';
import { generate } from '../../src/sampling/generate.js';
import { sampledModel } from '../../src/sampling/sample-request.js';
import { type SamplingSession, startSamplingSession } from '../../src/sampling/sampling-session.js';
import { chiSquare, chiSquareLimit } from './closed-form.js';
import {
  LENGTH,
  type TableFamily,
  type TablePolicy,
  TOKENS,
  tableCheckpoint,
  textProbabilities,
} from './table-network.js';

const SAMPLES = 2000;

interface Drawn {
  counts: Float64Array;
  /** Model calls per sample. */
  nfe: number[];
}

const sessions = new Map<string, SamplingSession>();
afterAll(() => Promise.all([...sessions.values()].map((session) => session.close())));

/** Of the same network and score, one session. */
async function sessionOf(checkpoint: Checkpoint, sampler: Sampler, options: Record<string, OptionValue>) {
  const key = [checkpoint.family, checkpoint.fields.timeConditioning.value, options.order].join();
  const on = { provider: 'cpu', threads: 1, temperature: 1, topK: null, topP: null } as const;
  const session = sessions.get(key) ?? (await startSamplingSession({ checkpoint, sampler, options, ...on }));
  sessions.set(key, session);
  return session;
}

async function drawn(policy: TablePolicy, family: TableFamily = 'mdlm'): Promise<Drawn> {
  const checkpoint = tableCheckpoint(family, policy.timed);
  const { sampler, module } = await resolveSampler('unmask');
  const options = samplerOptions(sampler, [
    `order=${policy.order}`,
    `tokens-per-call=${policy.k}`,
    `block=${policy.block ?? 0}`,
    `threshold=${policy.threshold ?? 0}`,
    `entropy-bound=${policy.bound ?? 0}`,
    `ties=${policy.ties ?? 'lowest'}`,
  ]);
  const { source } = await sessionOf(checkpoint, sampler, options);
  const counts = new Float64Array(TOKENS ** LENGTH);
  const nfe: number[] = [];
  const plan = { model: sampledModel(checkpoint), source, sampler: { sampler, module }, options };
  const many = { steps: LENGTH, length: LENGTH, seed: 11, samples: SAMPLES, batch: SAMPLES };
  for await (const batch of generate({ ...plan, ...many })) {
    for (const sample of batch) {
      counts[sample.tokens.reduce((sum, token, l) => sum + token * TOKENS ** l, 0)]++;
      nfe.push(sample.nfe);
    }
  }
  return { counts, nfe };
}

/** χ² and its limit, which is passed once in 10,000 times; texts that are expected fewer than 5 times count as one. */
function fitOf({ counts }: Drawn, policy: TablePolicy): { chi2: number; limit: number } {
  const p = textProbabilities(policy);
  const rare = [...p.keys()].filter((text) => p[text] * SAMPLES < 5);
  const often = [...p.keys()].filter((text) => p[text] * SAMPLES >= 5);
  const merged = (values: Float64Array) => rare.reduce((sum, text) => sum + values[text], 0);
  const [observed, expected] = [counts, p].map((values) => [
    ...often.map((text) => values[text]),
    ...(rare.length > 0 ? [merged(values)] : []),
  ]);
  return { chi2: chiSquare(observed, expected), limit: chiSquareLimit(observed.length - 1) };
}

const orders = ['left-to-right', 'max-probability', 'margin', 'log-margin', 'entropy', 'random'];
const policies: TablePolicy[] = [
  ...orders.flatMap((order) => [1, 2].map((k) => ({ order, k }))),
  ...['max-probability', 'margin', 'entropy', 'random'].map((order) => ({ order, k: 1, block: 2 })),
  ...['max-probability', 'log-margin', 'entropy'].flatMap((order) =>
    [1, 2].map((k) => ({ order, k, ties: 'seeded' as const })),
  ),
  { order: 'max-probability', k: 1, threshold: 0.7 },
  { order: 'max-probability', k: 1, threshold: 0.7, block: 2, ties: 'seeded' },
  { order: 'margin', k: 1, threshold: 0.3 },
  { order: 'log-margin', k: 2, threshold: 0.5, ties: 'seeded' },
  { order: 'entropy', k: 1, bound: 0.9 },
  { order: 'entropy', k: 1, bound: 0.9, ties: 'seeded' },
  { order: 'max-probability', k: 1, timed: true },
  { order: 'max-probability', k: 1, threshold: 0.7, timed: true },
];

describe('the texts of a policy', () => {
  it.each(policies)('come as often as their likelihood says: %o', async (policy) => {
    const { chi2, limit } = fitOf(await drawn(policy), policy);
    expect(chi2).toBeLessThan(limit);
  });

  it.each([
    ['sedd', { order: 'max-probability', k: 2 }],
    ['sedd', { order: 'entropy', k: 1, bound: 0.9 }],
    ['d3pm', { order: 'margin', k: 2 }],
    ['d3pm', { order: 'max-probability', k: 1, timed: true }],
  ] as const)('and so do those of a network of the family %s: %o', async (family, policy) => {
    const { chi2, limit } = fitOf(await drawn(policy, family), policy);
    expect(chi2).toBeLessThan(limit);
  });
});

it.each(['max-probability', 'entropy'])(
  'under %s, another policy, number per call or rule is told apart',
  async (order) => {
    const samples = await drawn({ order, k: 1 });
    const others: TablePolicy[] = [
      ...orders.filter((other) => other !== order).map((other) => ({ order: other, k: 1 })),
      { order, k: 2 },
      { order, k: 1, ties: 'seeded' },
      ...(order === 'entropy' ? [{ order, k: 1, block: 2 }] : []),
      { order, k: 1, ...(order === 'entropy' ? { bound: 0.9 } : { threshold: 0.7 }) },
    ];
    for (const other of others) {
      const { chi2, limit } = fitOf(samples, other);
      expect(chi2, JSON.stringify(other)).toBeGreaterThan(limit);
    }
  },
);

it('calls end with the masks: a threshold needs fewer than one a token', async () => {
  const { nfe } = await drawn({ order: 'max-probability', k: 1, threshold: 0.7 });

  expect(Math.min(...nfe)).toBeLessThan(LENGTH);
  expect(Math.max(...nfe)).toBe(LENGTH);
  expect(new Set((await drawn({ order: 'max-probability', k: 2 })).nfe)).toEqual(new Set([2]));
});
