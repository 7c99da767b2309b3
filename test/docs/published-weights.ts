/** Weights as the hub publishes a Duo model: config.json and model.safetensors, of a small network with random weights. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { elementCount, networkParameters } from '../../src/models/architectures/parameters.js';

const dimensions = {
  hiddenSize: 16,
  conditionSize: 8,
  blocks: 1,
  heads: 2,
  vocabSize: 1024, // that of fixtures/bpe-1024
  length: 64,
};

export function weightsFolder(folder: string): void {
  const header: Record<string, object> = {};
  const pieces: Buffer[] = [];
  let at = 0;
  for (const parameter of networkParameters(dimensions, { adaLN: true })) {
    const count = elementCount(parameter);
    // Any numbers do; these are small and differ from place to place.
    const values = Float32Array.from({ length: count }, (_, i) => 0.02 * Math.sin(1 + 0.7 * (at + i)));
    const shape = parameter.transposed ? [...parameter.dims].reverse() : parameter.dims;
    header[`backbone.${parameter.name}`] = { dtype: 'F32', shape, data_offsets: [4 * at, 4 * (at + count)] };
    pieces.push(Buffer.from(values.buffer));
    at += count;
  }
  const text = Buffer.from(JSON.stringify(header));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(text.length));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'model.safetensors'), Buffer.concat([size, text, ...pieces]));
  const { hiddenSize, conditionSize, blocks, heads, vocabSize, length } = dimensions;
  const config = {
    model_type: 'DUO',
    vocab_size: vocabSize,
    hidden_dim: hiddenSize,
    cond_dim: conditionSize,
    n_blocks: blocks,
    n_heads: heads,
    model_length: length,
    causal: false,
  };
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
}
