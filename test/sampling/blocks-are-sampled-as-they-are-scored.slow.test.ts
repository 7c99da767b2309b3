/**
 * On a random network of 3 tokens, texts of 4 tokens in blocks of 2: the frequencies of samples are the exact likelihoods of all 81
 * texts. About src/samplers/unmask.ts, ancestral.ts and src/evals/perplexity/policy-walk.ts
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OverOrders } from '../../src/diffusion/subsets.js';
import type { UnmaskingOrder } from '../../src/diffusion/unmasking.js';
import { exactLikelihood } from '../../src/evals/perplexity/exact-likelihood.js';
import { batchModelOf } from '../../src/evals/perplexity/loss-source.js';
import { PolicySession } from '../../src/evals/perplexity/policy-session.js';
import type { Checkpoint } from '../../src/models/checkpoint.js';
import { resolveSampler, samplerOptions } from '../../src/samplers/registry.js';
import { generate } from '../../src/sampling/generate.js';
import { sampledModel } from '../../src/sampling/sample-request.js';
import { startSamplingSession } from '../../src/sampling/sampling-session.js';
import { LENGTH, TOKENS, texts, tinyBlocks } from '../evals/perplexity/tiny-blocks.js';
import { chiSquare, chiSquareLimit } from '../samplers/closed-form.js';

const SAMPLES = 3000;
const closing: (() => Promise<void>)[] = [];
let checkpoint: Checkpoint;
beforeAll(async () => {
  checkpoint = await tinyBlocks();
});
afterAll(() => Promise.all(closing.map((close) => close())));

/** Of each text, under the policy inside blocks. */
async function probabilities(
  policy: UnmaskingOrder,
  tokensPerCall: number,
  overOrders?: OverOrders,
): Promise<Float64Array> {
  const likelihood = exactLikelihood({ policy, tokensPerCall, from: 'all-masked', overOrders });
  const session = await PolicySession.start({ checkpoint, provider: 'cpu', threads: 1 }, likelihood, 81);
  closing.push(() => session.close());
  const model = batchModelOf(checkpoint, { seed: 1, wrapped: false });
  const calls = texts.map((x, sequence) => ({ sequence, draw: 0, x, level: null }));
  return Float64Array.from(await session.losses(calls, model), ({ nats }) => Math.exp(-nats));
}

async function counts(name: string, given: string[], steps: number): Promise<Float64Array> {
  const { sampler, module } = await resolveSampler(name);
  const options = samplerOptions(sampler, given);
  const on = { provider: 'cpu', threads: 1, temperature: 1, topK: null, topP: null } as const;
  const session = await startSamplingSession({ checkpoint, sampler, options, ...on });
  closing.push(() => session.close());
  const plan = {
    ...{ model: sampledModel(checkpoint), source: session.source, sampler: { sampler, module }, options },
    ...{ steps, length: LENGTH, seed: 3, samples: SAMPLES, batch: 1000 },
  };
  const found = new Float64Array(texts.length);
  for await (const some of generate(plan))
    for (const { tokens } of some) found[tokens.reduce((sum, token, l) => sum + token * TOKENS ** l, 0)]++;
  return found;
}

describe('the frequencies of texts are their likelihoods', () => {
  it.each(['left-to-right', 'max-probability', 'margin', 'log-margin', 'entropy'] as const)(
    '%s',
    async (order) => {
      for (const k of [1, 2]) {
        const p = await probabilities(order, k);
        expect(p.reduce((sum, q) => sum + q, 0)).toBeCloseTo(1, 5);
        const found = await counts('unmask', [`order=${order}`, `tokens-per-call=${k}`], LENGTH);
        expect(chiSquare(found, p)).toBeLessThan(chiSquareLimit(texts.length - 1));
      }
    },
  );

  it('ancestral steps, of which there are many, draw a random order; one step draws the block at once', async () => {
    const forward = await probabilities('left-to-right', 1);
    const both = await probabilities('left-to-right', 2);
    const few = await counts('ancestral', [], 1);
    expect(chiSquare(few, both)).toBeLessThan(chiSquareLimit(texts.length - 1));
    expect(chiSquare(few, forward)).toBeGreaterThan(chiSquareLimit(texts.length - 1));
    const anyOrder = await probabilities('random', 1, 'evidence');
    for (const [sampler, given, steps] of [
      ['ancestral', [], 128],
      ['unmask', ['order=random', 'tokens-per-call=1'], LENGTH],
    ] as const)
      expect(chiSquare(await counts(sampler, [...given], steps), anyOrder)).toBeLessThan(
        chiSquareLimit(texts.length - 1),
      );
  });
});
