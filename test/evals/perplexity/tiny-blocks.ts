/** A random network of block diffusion over 3 tokens, texts of 4 tokens in blocks of 2: all 81 texts can be looked at. */
import { type Checkpoint, checkpointOfGraph } from '../../../src/models/checkpoint.js';
import { networkGraph } from '../../models/architectures/networks.js';

export const [TOKENS, LENGTH, BLOCK] = [3, 4, 2];

export const texts = Array.from({ length: TOKENS ** LENGTH }, (_, n) =>
  Int32Array.from({ length: LENGTH }, (_, l) => Math.floor(n / TOKENS ** l) % TOKENS),
);

export async function tinyBlocks(): Promise<Checkpoint> {
  const size = { hiddenSize: 16, conditionSize: 8, blocks: 2, heads: 2 };
  const dimensions = { ...size, vocabSize: TOKENS + 1, length: LENGTH, blockSize: BLOCK };
  const fields = { family: 'bd3lm', vocabSize: TOKENS + 1, length: LENGTH, maskTokenId: TOKENS } as const;
  return checkpointOfGraph(
    await networkGraph('blocks', dimensions),
    { ...fields, blockSize: BLOCK },
    'blocks',
  );
}
