/** About src/evals/perplexity/policy-walk.ts, policy-network.ts and exact-likelihood.ts: policies inside the blocks of a model. */
import { beforeAll, describe, expect, it } from 'vitest';
import { isScored, pickPositions, positionsInTurn } from '../../../src/diffusion/unmasking.js';
import {
  callsOfSequence,
  checkLikelihood,
  type ExactLikelihood,
  type ExactLikelihoodSettings,
  exactLikelihood,
} from '../../../src/evals/perplexity/exact-likelihood.js';
import { batchModelOf } from '../../../src/evals/perplexity/loss-source.js';
import { PolicySession } from '../../../src/evals/perplexity/policy-session.js';
import {
  type BlocksNetwork,
  blocksCheckpoint,
  blocksNetwork,
  expected,
} from '../../models/importers/published-blocks.js';

const { block_size: L, mask_token_id: MASK } = expected;
const texts: number[][] = expected.inputs.x_0;
let checkpoint: Awaited<ReturnType<typeof blocksCheckpoint>>;
let network: BlocksNetwork;
beforeAll(async () => {
  checkpoint = await blocksCheckpoint();
  network = await blocksNetwork();
});

async function exact(settings: ExactLikelihoodSettings) {
  const likelihood = exactLikelihood(settings);
  const session = await PolicySession.start({ checkpoint, provider: 'cpu', threads: 1 }, likelihood, 2);
  try {
    const model = batchModelOf(checkpoint, { seed: 1, wrapped: false });
    const calls = texts.map((x, sequence) => ({
      ...{ sequence, draw: 0, x: Int32Array.from(x), level: null, path: true },
    }));
    return { likelihood, losses: await session.losses(calls, model) };
  } finally {
    await session.close();
  }
}

describe('from left to right it is the chain rule of the reference', () => {
  it.each([
    ['all-masked', 'sum_per_sequence', 0],
    ['bos', 'sum_without_first', 1],
  ] as const)('%s', async (from, sum, first) => {
    const { losses } = await exact({ policy: 'left-to-right', from });
    for (const [b, { nats, path, calls }] of losses.entries()) {
      expect(Math.abs(nats + expected.exact_chain_rule[sum][b])).toBeLessThan(1e-4);
      for (let l = first; l < 16; l++) {
        const due = expected.exact_chain_rule.log_prob_per_token[b][l];
        expect(Math.abs((path?.logProbability[l] ?? Number.NaN) - due)).toBeLessThan(1e-5);
      }
      expect(calls).toBe(L);
    }
  });
});

const logSoftmax = (row: number[]): number[] => {
  const text = row.map((f, v) => (v === MASK ? Number.NEGATIVE_INFINITY : f));
  const most = Math.max(...text);
  const sum = text.reduce((total, f) => total + Math.exp(f - most), 0);
  return text.map((f) => f - most - Math.log(sum));
};
const scoreOf = {
  'max-probability': (p: number[]) => p[0],
  margin: (p: number[]) => p[0] - p[1],
  'log-margin': (p: number[]) => Math.log(p[0]) - Math.log(p[1]),
  entropy: (p: number[]) => p.reduce((sum, q) => sum + (q > 0 ? q * Math.log(q) : 0), 0),
};

/** ln p block by block, as it is sampled: one block at a time, after the clean ones before it. */
async function blockByBlock(x: number[], likelihood: ExactLikelihood): Promise<number> {
  let total = 0;
  for (let start = 0; start < x.length; start += L) {
    const block = x.slice(start, start + L).map((token, l) => (start + l > 0 ? MASK : token));
    while (block.includes(MASK)) {
      const { logits } = await network.run(
        [...x.slice(0, start), ...block],
        Array.from({ length: start + L }, (_, l) => l),
        Array(start + L).fill(1),
      );
      const width = logits.dims[2];
      const rows = block.map((_, l) =>
        logSoftmax(
          Array.from((logits.data as Float32Array).subarray((start + l) * width, (start + l + 1) * width)),
        ),
      );
      const masked = block.flatMap((token, l) => (token === MASK ? [start + l] : []));
      const inTurn = positionsInTurn(masked, likelihood.blockSize);
      const { order } = likelihood;
      const scores = inTurn.map((l) =>
        isScored(order) ? scoreOf[order](rows[l - start].map(Math.exp).sort((a, b) => b - a)) : 0,
      );
      for (const i of pickPositions(inTurn, { scores, uniforms: [] }, likelihood)) {
        total += rows[inTurn[i] - start][x[inTurn[i]]];
        block[inTurn[i] - start] = x[inTurn[i]];
      }
    }
  }
  return total;
}

it.each([
  { policy: 'left-to-right', tokensPerCall: 3 },
  { policy: 'max-probability' },
  { policy: 'max-probability', tokensPerCall: 2 },
  { policy: 'margin', tokensPerCall: 2 },
  { policy: 'log-margin' },
  { policy: 'entropy', blockSize: 2 },
  { policy: 'max-probability', threshold: 0.2 },
] as const)('all blocks at once are the blocks one after the other: %o', async (settings) => {
  const { likelihood, losses } = await exact(settings);
  for (const [b, { nats, calls }] of losses.entries()) {
    expect(Math.abs(nats + (await blockByBlock(texts[b], likelihood)))).toBeLessThan(1e-4);
    expect(calls).toBeLessThanOrEqual(callsOfSequence(16, likelihood, L));
  }
});

it('a call reveals k tokens of every block: L′/k calls, however long the text', () => {
  const calls = (settings: ExactLikelihoodSettings, length: number) =>
    callsOfSequence(length, exactLikelihood(settings), 8);
  for (const length of [16, 128, 1024]) {
    expect(calls({ policy: 'margin' }, length)).toBe(8);
    expect(calls({ policy: 'margin', tokensPerCall: 4 }, length)).toBe(2);
    expect(calls({ policy: 'margin', tokensPerCall: 3, blockSize: 4 }, length)).toBe(4);
  }
  expect(calls({ policy: 'margin', from: 'bos' }, 8)).toBe(7);
});

it.each([
  [{ policy: 'entropy', tokensPerCall: 5 }, /A block of the model has 4 tokens, so a call cannot reveal 5/],
  [{ policy: 'entropy', blockSize: 8 }, /A block of the model has 4 tokens, which blocks of 8 do not divide/],
  [{ policy: 'entropy', blockSize: 3 }, /which blocks of 3 do not divide/],
] as const)('%o is refused', (settings, message) => {
  const stream = { name: 'text', length: 16, wrapped: true };
  expect(() => checkLikelihood(checkpoint, stream, exactLikelihood(settings))).toThrow(message);
});
