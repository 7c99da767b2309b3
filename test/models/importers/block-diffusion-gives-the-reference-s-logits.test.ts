/** About src/models/architectures/block-diffusion.ts, src/models/importers/reference.ts and reference-config.ts: BD3-LM. */
import ort from 'onnxruntime-node';
import { beforeAll, describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../../src/models/checkpoint.js';
import { converted, largestDifference } from './published.js';
import {
  type BlocksNetwork,
  blocksNetwork,
  expected,
  folderOf,
  type Past,
  blocksFolder as source,
} from './published-blocks.js';

let network: BlocksNetwork;
beforeAll(async () => {
  network = await blocksNetwork();
});

const counted = (length: number, from = 0) => Array.from({ length }, (_, i) => from + i);
const rows = (logits: ort.Tensor, from: number, to: number) => {
  const width = logits.dims[2];
  return new ort.Tensor('float32', (logits.data as Float32Array).slice(from * width, to * width), [
    1,
    to - from,
    width,
  ]);
};

describe('the logits are those of the reference', () => {
  it('for noisy tokens followed by clean ones', async () => {
    for (const [b, ids] of (expected.inputs.input_ids as number[][]).entries()) {
      const length = ids.length / 2;
      const { logits } = await network.run(
        ids,
        [...counted(length), ...counted(length)],
        ids.map((_, i) => Number(i >= length)),
      );
      expect(largestDifference(rows(logits, 0, length), [expected.logits[b]])).toBeLessThan(1e-4);
    }
  });

  it('for a text whose last block is being written', async () => {
    const ids: number[] = expected.sample_mode.input_ids[0];
    const { logits } = await network.run(
      ids,
      counted(ids.length),
      ids.map(() => 1),
    );
    expect(largestDifference(logits, expected.sample_mode.logits)).toBeLessThan(1e-4);
  });

  it('with the keys and values of the clean blocks before it, whether its tokens count as noisy or as clean', async () => {
    const stored: number[][] = expected.sample_mode_kv.stored_blocks[0];
    let past: Past | undefined;
    for (const [b, block] of stored.entries())
      past = (
        await network.run(
          block,
          counted(4, 4 * b),
          block.map(() => 1),
          past,
        )
      ).present;
    const ids: number[] = expected.sample_mode_kv.input_ids[0];
    for (const type of [0, 1]) {
      const { logits } = await network.run(
        ids,
        counted(4, 8),
        ids.map(() => type),
        past,
      );
      expect(largestDifference(logits, expected.sample_mode_kv.logits)).toBeLessThan(1e-4);
    }
  });
});

describe('the card', () => {
  it('has the blocks, and opens', async () => {
    const { path, card } = await converted(source());
    expect(card).toMatchObject({
      family: 'bd3lm',
      vocabSize: 62,
      length: 16,
      blockSize: 4,
      attention: { blockCausal: 4 },
      maskTokenId: 61,
      schedule: { type: 'log-linear', eps: 0 },
      timeConditioning: false,
      architecture: { name: 'block-diffusion', hiddenSize: 36, conditionSize: 20, blocks: 2, heads: 3 },
    });
    const checkpoint = await openCheckpoint(path);
    expect(checkpoint.family === 'bd3lm' && checkpoint.blockSize).toBe(4);
  });

  it('has them from the nested configuration of training, too', async () => {
    const nested = {
      block_size: 8,
      algo: { name: 'bd3lm', cross_attn: true, time_conditioning: false, causal_attention: false },
      model: { hidden_size: 36, cond_dim: 20, n_blocks: 2, n_heads: 3, length: 16 },
      noise: { type: 'loglinear' },
    };
    const { card } = await converted(folderOf(nested));
    expect(card).toMatchObject({ family: 'bd3lm', blockSize: 8, schedule: { eps: 0 } });
  });
});

it.each([
  [{ cross_attn: false }, /cross_attn is false: its network reads no clean text/],
  [{ block_size: 5 }, /Blocks of 5 tokens do not divide the length of 16/],
  [{ block_size: null }, /nothing says how many tokens a block of it has/],
  [{ block_size: 0 }, /"block_size" is 0, and should be a whole number of at least 1/],
])('a configuration that says %o is refused', async (changes, message) => {
  await expect(converted(source(changes))).rejects.toThrow(message);
});

it('a size that the configuration lacks comes from the flag', async () => {
  const { card } = await converted(source({ block_size: null }), { overrides: { blockSize: 2 } });
  expect(card.blockSize).toBe(2);
});
