/**
 * About src/evals/perplexity/policy-session.ts and src/samplers/unmask.ts: ppl scores the texts of an inexact network with the
 * probabilities that follow from going through the policy's calls, with which the samples agree
 * (test/samplers/samples-of-a-policy-have-its-likelihoods.test.ts).
 */
import { describe, expect, it } from 'vitest';
import type { UnmaskingOrder } from '../../../src/diffusion/unmasking.js';
import { exactLikelihood } from '../../../src/evals/perplexity/exact-likelihood.js';
import {
  LENGTH,
  probabilitiesByPrecedence,
  type TableFamily,
  type TablePolicy,
  TOKENS,
  tableCheckpoint,
  textProbabilities,
} from '../../samplers/table-network.js';
import { likelihoodsOf } from './policy-oracle.js';

const TEXTS = Array.from({ length: TOKENS ** LENGTH }, (_, text) =>
  Int32Array.from({ length: LENGTH }, (_, l) => Math.floor(text / TOKENS ** l) % TOKENS),
);

/** ln p of all texts, `times` times, each time with other numbers of the seed. */
async function scored(policy: TablePolicy, family: TableFamily, times = 1): Promise<Float64Array[]> {
  const likelihood = exactLikelihood({
    policy: policy.order as UnmaskingOrder,
    tokensPerCall: policy.k,
    blockSize: policy.block ?? null,
    threshold: policy.threshold ?? null,
    entropyBound: policy.bound ?? null,
    ties: policy.ties ?? 'lowest',
    from: 'all-masked',
  });
  const many = Array.from({ length: times }, () => TEXTS).flat();
  const losses = await likelihoodsOf(tableCheckpoint(family, policy.timed), many, likelihood);
  return Array.from({ length: times }, (_, i) =>
    Float64Array.from(TEXTS, (_, text) => -losses[i * TEXTS.length + text].nats),
  );
}

describe('the likelihoods of all 81 texts are those of the policy', () => {
  const policies: TablePolicy[] = [
    ...['left-to-right', 'max-probability', 'margin', 'log-margin', 'entropy'].flatMap((order) =>
      [1, 2].map((k) => ({ order, k })),
    ),
    { order: 'max-probability', k: 1, block: 2 },
    { order: 'max-probability', k: 1, threshold: 0.7 },
    { order: 'margin', k: 1, threshold: 0.3, block: 2 },
    { order: 'entropy', k: 1, bound: 0.9 },
    { order: 'max-probability', k: 1, timed: true },
  ];
  it.each([
    ...policies.map((policy) => ['mdlm', policy] as const),
    ['sedd', { order: 'margin', k: 1 }] as const,
    ['sedd', { order: 'max-probability', k: 1, threshold: 0.7, timed: true }] as const,
    ['d3pm', { order: 'margin', k: 2 }] as const,
    ['d3pm', { order: 'max-probability', k: 1, timed: true }] as const,
  ])('of a network of the family %s: %o', async (family, policy) => {
    const expected = textProbabilities(policy);
    const [found] = await scored(policy, family);
    for (const [text, p] of expected.entries())
      expect(Math.abs(found[text] - Math.log(p))).toBeLessThan(2e-5);
    expect(Math.abs(found.reduce((sum, value) => sum + Math.exp(value), 0) - 1)).toBeLessThan(1e-5);
  });
});

it.each<TablePolicy>([
  { order: 'random', k: 1 },
  { order: 'random', k: 2, block: 2 },
  { order: 'max-probability', k: 1, ties: 'seeded' },
  { order: 'entropy', k: 2, ties: 'seeded' },
])('by one of the orders of equal positions, each as often as any other: %o', async (policy) => {
  const times = 40;
  const each = probabilitiesByPrecedence(policy);
  const expected = textProbabilities(policy);
  const found = await scored(policy, 'mdlm', times);
  for (const [text, p] of expected.entries()) {
    const values = found.map((one) => one[text]);
    for (const value of values)
      expect(Math.min(...each.map((one) => Math.abs(Math.log(one[text]) - value)))).toBeLessThan(2e-5);
    const mean = values.reduce((sum, value) => sum + Math.exp(value), 0) / times;
    const variance = each.reduce((sum, one) => sum + (one[text] - p) ** 2, 0) / each.length / times;
    expect(Math.abs(mean - p)).toBeLessThan(6 * Math.sqrt(variance) + 2e-5 * p);
  }
});
