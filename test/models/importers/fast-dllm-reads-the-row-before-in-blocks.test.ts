/**
 * About src/models/importers/llama-diffusion.ts, src/models/architectures/decoder.ts and src/sampling/block-draws.ts: Fast-dLLM v2. The
 * oracle's network is Qwen 2 by transformers with a block-causal mask, called as the reference's sampler calls it.
 */
import ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { integration } from '../../../src/diffusion/integration.js';
import { noiseSchedule } from '../../../src/diffusion/schedule.js';
import { exactLikelihood } from '../../../src/evals/perplexity/exact-likelihood.js';
import { callLevels } from '../../../src/evals/perplexity/loss-batch.js';
import { LossSession } from '../../../src/evals/perplexity/loss-session.js';
import { batchModelOf } from '../../../src/evals/perplexity/loss-source.js';
import { PolicyNetwork } from '../../../src/evals/perplexity/policy-network.js';
import { PolicySession } from '../../../src/evals/perplexity/policy-session.js';
import { openCheckpoint } from '../../../src/models/checkpoint.js';
import { networkFeeds } from '../../../src/models/feeds.js';
import { startDrawSession } from '../../../src/sampling/draw-session.js';
import { converted, modelOracle } from './published.js';

const { expected, config, folder } = modelOracle('fast-dllm');
const { x_0: clean, input_ids: noisy } = expected.inputs as { x_0: number[][]; input_ids: number[][] };
const [MASK, BLOCK, L] = [expected.mask_token_id, expected.block_size, clean[0].length];
const on = { provider: 'cpu', threads: 1 } as const;
const opened = async () => openCheckpoint((await converted(folder())).path);

it('its logits are those of the token before: in its block, or the last clean one', async () => {
  const { path, card } = await converted(folder());
  expect(card).toMatchObject({
    family: 'bd3lm',
    blockSize: BLOCK,
    maskTokenId: MASK,
    architecture: { shift: true, attention: { blockCausal: BLOCK }, biases: { qkv: true } },
  });
  const checkpoint = await openCheckpoint(path);
  const session = await ort.InferenceSession.create(path, { intraOpNumThreads: 1 });
  const feeds = networkFeeds(checkpoint.signature, {
    inputIds: BigInt64Array.from(
      noisy.flatMap((row, b) => [...row, ...clean[b]]),
      BigInt,
    ),
    ...{ batch: 2, length: 2 * L, noisyWidth: L, sigma: null },
  });
  const tensors = Object.entries(feeds).map(([name, { type, data, dims }]) => [
    name,
    new ort.Tensor(type as 'int64', data as BigInt64Array, dims),
  ]);
  const { logits } = await session.run(Object.fromEntries(tensors));
  await session.release();
  const values = logits.data as Float32Array;
  let most = 0;
  for (const [b, rows] of (expected.logits as number[][][]).entries())
    for (const [l, row] of rows.entries())
      for (const [v, due] of row.entries())
        most = Math.max(most, Math.abs(due - values[(b * 2 * L + l) * row.length + v]));
  expect(most).toBeLessThan(1e-4);
});

it('its losses and its chain rule are the reference’s', async () => {
  const checkpoint = await opened();
  const model = batchModelOf(checkpoint, { seed: 1, wrapped: false });
  const network = await PolicyNetwork.start({ checkpoint, ...on }, 'left-to-right');
  for (const [b, z] of noisy.entries()) {
    const positions = [...z.keys()].filter((l) => z[l] === MASK);
    const targets = positions.map((l) => clean[b][l]);
    const asked = { tokens: Int32Array.from(z), x: Int32Array.from(clean[b]), positions, targets };
    const [{ logProbability }] = await network.ask([{ ...asked, left: positions.length }], 'it');
    for (const [i, l] of positions.entries())
      expect(Math.abs(expected.masked_nll[b][l] + logProbability[i])).toBeLessThan(1e-4);
  }
  await network.close();
  const likelihood = exactLikelihood({ policy: 'left-to-right' });
  const session = await PolicySession.start({ checkpoint, ...on }, likelihood, 1);
  const call = { sequence: 0, draw: 0, x: Int32Array.from(clean[0]), level: null, path: true };
  const [{ path }] = await session.losses([call], model);
  await session.close();
  for (const [i, due] of (expected.exact_chain_rule as number[]).entries())
    expect(Math.abs((path?.logProbability[i + 1] ?? 0) - due)).toBeLessThan(1e-4);
});

it('its bound is the mean over all masks of the reference', async () => {
  const checkpoint = await opened();
  const session = await LossSession.start({ checkpoint, ...on });
  const integral = integration('strict', noiseSchedule({ type: 'log-linear', eps: 0 }));
  const model = batchModelOf(checkpoint, { seed: 3, wrapped: false });
  const x = Int32Array.from(clean[0]);
  const draws = 4000;
  const calls = Array.from({ length: draws }, (_, draw) => {
    const call = { sequence: 0, draw, x };
    return { ...call, ...callLevels((draw + 0.5) / draws, call, model, integral) };
  });
  const losses: number[] = [];
  for (let from = 0; from < draws; from += 500)
    losses.push(...(await session.losses(calls.slice(from, from + 500), model)).map(({ nats }) => nats));
  await session.close();
  const mean = losses.reduce((a, b) => a + b) / draws;
  const spread = Math.sqrt(losses.reduce((sum, nats) => sum + (nats - mean) ** 2, 0) / draws ** 2);
  expect(Math.abs(mean - expected.exact_nelbo)).toBeLessThan(4 * spread);
  expect(spread).toBeLessThan(0.02 * mean);
});

it('writes with stored keys and values what it writes without', async () => {
  const checkpoint = await opened();
  const write = async (cache: boolean) => {
    const session = await startDrawSession({ checkpoint, ...on, cache });
    const tokens = new Int32Array(L).fill(MASK);
    tokens[0] = clean[0][0];
    const probabilities: number[] = [];
    // The second token of a block before its first.
    for (const l of [1, 3, 2, 5, 4, 6, 7, 9, 8, 10, 11, 13, 12]) {
      const uniforms = new Float64Array(L).fill((0.31 + 0.618 * l) % 1);
      const answer = await session.denoise({ tokens, batch: 1, length: L, sigma: 0, uniforms });
      tokens[l] = answer.token[l];
      probabilities.push(answer.probability[l]);
    }
    await session.close();
    return { tokens, probabilities };
  };
  const [cached, plain] = [await write(true), await write(false)];
  expect(cached.tokens).toEqual(plain.tokens);
  for (const [i, p] of cached.probabilities.entries()) expect(p).toBeCloseTo(plain.probabilities[i], 5);
});

describe('its mask', () => {
  it('must be known, where its files say none and a small vocabulary does not have that of its code', async () => {
    const { mask_token_id: _, ...silent } = config;
    await expect(converted(folder(silent))).rejects.toThrow(/nothing says which token is the mask/);
    const { card } = await converted(folder(silent), { overrides: { maskTokenId: MASK } });
    expect(card.maskTokenId).toBe(MASK);
  });
});
