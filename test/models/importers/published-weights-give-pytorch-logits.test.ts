import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../../src/models/checkpoint.js';
import { readSafetensors } from '../../../src/models/importers/safetensors.js';
import {
  converted,
  fileOf,
  folderWith,
  hubConfig,
  largestDifference,
  logitsOf,
  oracle,
} from './published.js';

describe('a safetensors file that PyTorch wrote becomes a checkpoint whose logits are PyTorch’s', () => {
  it.each([
    ['dit.safetensors', hubConfig, oracle.dit],
    ['dit-bfloat16.safetensors', hubConfig, oracle.ditBfloat16],
    ['dit-float16.safetensors', hubConfig, oracle.ditFloat16],
    ['causal.safetensors', { ...hubConfig, causal: true }, oracle.causal],
  ])('%s', async (file, config, expected) => {
    const { path } = await converted(folderWith({ 'model.safetensors': file, 'config.json': config }));
    expect(largestDifference(await logitsOf(path), expected)).toBeLessThan(1e-4);
  });

  it('in several files, too', async () => {
    const source = folderWith(shards('dit.safetensors', 3));
    const { path, card } = await converted(source, { overrides: { family: 'sedd' } });
    expect(largestDifference(await logitsOf(path), oracle.dit)).toBeLessThan(1e-4);
    expect(card).toMatchObject({ family: 'sedd', maskTokenId: 10, timeConditioning: true });
  });

  it('without a configuration, where the rotary frequencies tell the heads', async () => {
    const { path, card } = await converted(folderWith({ 'a.safetensors': 'dit.safetensors' }), {
      overrides: { family: 'mdlm', length: 16 },
    });
    expect(largestDifference(await logitsOf(path), oracle.dit)).toBeLessThan(1e-4);
    expect(card).toMatchObject({ family: 'mdlm', timeConditioning: false, length: 16 });
  });
});

describe('its card', () => {
  it.each([
    ['the flat configuration of the hub', hubConfig],
    [
      'the nested one of training',
      {
        algo: { name: 'duo_base', time_conditioning: true, causal_attention: false },
        model: { hidden_size: 8, cond_dim: 6, n_blocks: 2, n_heads: 2, length: 16 },
        noise: { type: 'log-linear', eps: 1e-3 },
      },
    ],
  ])('says what %s says, and opens', async (_what, config) => {
    const source = folderWith({ 'model.safetensors': 'dit.safetensors', 'config.json': config });
    const { path, card } = await converted(source);
    expect(card).toMatchObject({
      family: 'duo',
      vocabSize: 11,
      length: 16,
      timeConditioning: true,
      schedule: { type: 'log-linear', eps: 1e-3 },
      architecture: { name: 'dit', hiddenSize: 8, conditionSize: 6, blocks: 2, heads: 2 },
    });
    const checkpoint = await openCheckpoint(path);
    expect(checkpoint.fields.family).toEqual({ value: 'duo', from: 'card' });
    expect(checkpoint.fields.length.value).toBe(16);
  });
});

/** The file's tensors dealt out to several files, with their index. */
function shards(name: string, count: number): Record<string, Buffer | object> {
  const bytes = readFileSync(fileOf(name));
  const tensors = [...readSafetensors(fileOf(name)).values()];
  const files: Record<string, Buffer | object> = {};
  const map: Record<string, string> = {};
  for (let shard = 0; shard < count; shard++) {
    const header: Record<string, object> = {};
    const parts: Buffer[] = [];
    let at = 0;
    const file = `model-0000${shard + 1}-of-0000${count}.safetensors`;
    for (const tensor of tensors.filter((_, i) => i % count === shard)) {
      const length = 4 * tensor.shape.reduce((a, b) => a * b, 1);
      header[tensor.name] = { dtype: 'F32', shape: tensor.shape, data_offsets: [at, at + length] };
      parts.push(bytes.subarray(tensor.offset, tensor.offset + length));
      map[tensor.name] = file;
      at += length;
    }
    const text = Buffer.from(JSON.stringify(header));
    const size = Buffer.alloc(8);
    size.writeBigUInt64LE(BigInt(text.length));
    files[file] = Buffer.concat([size, text, ...parts]);
  }
  return { ...files, 'model.safetensors.index.json': { metadata: {}, weight_map: map } };
}
