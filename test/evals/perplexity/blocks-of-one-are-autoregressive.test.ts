/** About src/models/architectures/block-diffusion.ts and src/evals/perplexity/policy-walk.ts: the two ends of block diffusion. */
import { beforeAll, expect, it } from 'vitest';
import { exactLikelihood } from '../../../src/evals/perplexity/exact-likelihood.js';
import { batchModelOf } from '../../../src/evals/perplexity/loss-source.js';
import { PolicySession } from '../../../src/evals/perplexity/policy-session.js';
import { type Checkpoint, checkpointOfGraph } from '../../../src/models/checkpoint.js';
import {
  emptyPast,
  float32,
  int64,
  networkGraph,
  numbers,
  type RunnableNetwork,
  sessionOf,
} from '../../models/architectures/networks.js';

const [VOCABULARY, LENGTH] = [9, 8];
const MASK = VOCABULARY - 1;
const x = [3, 1, 4, 1, 5, 0, 2, 6];
const size = { hiddenSize: 16, conditionSize: 8, blocks: 2, heads: 2, vocabSize: VOCABULARY, length: LENGTH };
const common = { vocabSize: VOCABULARY, length: LENGTH, maskTokenId: MASK } as const;

/** −ln p of each token under a policy, and the calls it took. */
async function exact(checkpoint: Checkpoint) {
  const likelihood = exactLikelihood({ policy: 'entropy', from: 'all-masked' });
  const session = await PolicySession.start({ checkpoint, provider: 'cpu', threads: 1 }, likelihood, 1);
  try {
    const call = { sequence: 0, draw: 0, x: Int32Array.from(x), level: null, path: true };
    const [loss] = await session.losses([call], batchModelOf(checkpoint, { seed: 1, wrapped: false }));
    return loss;
  } finally {
    await session.close();
  }
}

let network: RunnableNetwork;
const ofOne = { ...size, blockSize: 1 };
beforeAll(async () => {
  network = await sessionOf(await networkGraph('blocks', ofOne));
});

/** ln p of a token after the clean ones before it, as an autoregressive model reads them. */
async function nextToken(l: number): Promise<number> {
  const { logits } = await network.run({
    input_ids: int64([[...x.slice(0, l), MASK]]),
    position_ids: int64([Array.from({ length: l + 1 }, (_, i) => i)]),
    token_type_ids: int64([Array(l + 1).fill(1)]),
    sigma: float32([0], [1]),
    ...emptyPast(ofOne, 1),
  });
  const row = Array.from(numbers(logits).subarray(l * VOCABULARY, l * VOCABULARY + MASK));
  return row[x[l]] - Math.log(row.reduce((sum, f) => sum + Math.exp(f), 0));
}

it('blocks of one token: one call gives ln p of each token after those before it', async () => {
  const fields = { ...common, family: 'bd3lm', blockSize: 1 } as const;
  const { nats, calls, path } = await exact(
    checkpointOfGraph(await networkGraph('blocks', ofOne), fields, 'ones'),
  );
  expect(calls).toBe(1);
  let total = 0;
  for (let l = 0; l < LENGTH; l++) {
    const due = await nextToken(l);
    expect(path?.logProbability[l]).toBeCloseTo(due, 5);
    total -= due;
  }
  expect(nats).toBeCloseTo(total, 5);
});

it('one block: the likelihood is that of the same weights as masked diffusion', async () => {
  const whole = { ...size, blockSize: LENGTH };
  const fields = { ...common, family: 'bd3lm', blockSize: LENGTH } as const;
  const blocks = await exact(checkpointOfGraph(await networkGraph('blocks', whole), fields, 'whole'));
  const masked = await exact(
    checkpointOfGraph(await networkGraph('dit', size), { ...common, family: 'mdlm' }, 'masked'),
  );
  expect(blocks.nats).toBeCloseTo(masked.nats, 5);
  expect(blocks.path?.order).toEqual(masked.path?.order);
  expect(blocks.calls).toBe(LENGTH);
});
