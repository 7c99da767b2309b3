import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readSafetensors } from '../../../src/models/importers/safetensors.js';
import { converted, fileOf, folderWith, hubConfig } from './published.js';

/** dit.safetensors with another header; what it says of bytes must stay true. */
function edited(change: (header: Record<string, { shape: number[] }>) => void): Buffer {
  const bytes = readFileSync(fileOf('dit.safetensors'));
  const length = Number(bytes.readBigUInt64LE());
  const header = JSON.parse(bytes.subarray(8, 8 + length).toString());
  change(header);
  const text = Buffer.from(JSON.stringify(header));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([size, text, bytes.subarray(8 + length)]);
}
const rename = (from: string, to: string) =>
  edited((header) => {
    header[to] = header[from];
    delete header[from];
  });
const model = (weights: Buffer | string, config: object = hubConfig) =>
  folderWith({ 'model.safetensors': weights, 'config.json': config });

describe('tensors that are not those of the network', () => {
  it.each([
    [
      'missing and extra ones',
      rename('backbone.blocks.1.norm2.weight', 'backbone.blocks.1.norm3.weight'),
      /"backbone\.blocks\.1\.norm2\.weight" \[8\] is missing; "backbone\.blocks\.1\.norm3\.weight" has no place/,
    ],
    [
      'misshapen ones',
      edited((header) => {
        header['backbone.blocks.0.attn_qkv.weight'].shape = [8, 24];
      }),
      /"backbone\.blocks\.0\.attn_qkv\.weight" is \[8,24\] and should be \[24,8\]/,
    ],
  ])('%s are named', async (_what, weights, message) => {
    await expect(converted(model(weights))).rejects.toMatchObject({
      code: 'tensors-do-not-fit',
      exitCode: 3,
      message: expect.stringMatching(message),
    });
  });

  it.each([
    [
      { ...hubConfig, hidden_dim: 16 },
      /hidden_dim is 16, but in .* "backbone\.vocab_embed\.embedding" is \[11,8\]/,
    ],
    [{ ...hubConfig, vocab_size: 50_258 }, /vocab_size is 50258/],
    [{ ...hubConfig, n_blocks: 3 }, /n_blocks is 3, but in .* tensors of 2 blocks/],
    [{ ...hubConfig, cond_dim: 7 }, /cond_dim is 7/],
    [{ ...hubConfig, causal: true }, /causal is true, but in .* told the noise level/],
    [
      { ...hubConfig, n_heads: 1 },
      /n_heads is 1, so heads are 8 wide, but "backbone\.rotary_emb\.inv_freq" is \[2\]/,
    ],
  ])('a configuration that contradicts them is refused: %j', async (config, message) => {
    await expect(converted(model('dit.safetensors', config))).rejects.toMatchObject({
      code: 'config-contradicts-tensors',
      exitCode: 3,
      message: expect.stringMatching(message),
    });
  });

  it('a configuration with what is no size is refused, by key', async () => {
    await expect(converted(model('dit.safetensors', { ...hubConfig, n_heads: 'two' }))).rejects.toMatchObject(
      {
        code: 'bad-config',
        message: expect.stringMatching(/"n_heads" is "two"/),
      },
    );
  });

  it.each([2 ** 21, 2 ** 32, 2 ** 52])('sequences of %d tokens are refused', async (length) => {
    const source = model('dit.safetensors', { ...hubConfig, model_length: length });
    await expect(converted(source)).rejects.toMatchObject({ code: 'bad-config', exitCode: 3 });
  });

  it('a family that nothing names is asked for, with the flag', async () => {
    const source = model('dit.safetensors', { ...hubConfig, model_type: 'd4lm' });
    await expect(converted(source)).rejects.toMatchObject({
      code: 'family-unknown',
      exitCode: 2,
      message: expect.stringMatching(/"d4lm"/),
      hint: expect.stringMatching(/--family/),
    });
  });

  it('an unknown architecture is told which are known', async () => {
    const source = folderWith({
      'model.safetensors': rename('backbone.vocab_embed.embedding', 'backbone.embeddings'),
      'config.json': { model_type: 'electra' },
    });
    await expect(converted(source)).rejects.toMatchObject({
      code: 'unknown-architecture',
      message: expect.stringMatching(/"electra": its tensors are called "backbone\./),
      hint: expect.stringMatching(/GPT-2/),
    });
  });

  it('a tokenizer with more tokens than the model is refused', async () => {
    const tokenizer = fileURLToPath(new URL('../../../fixtures/tokenizer', import.meta.url));
    await expect(converted(model('dit.safetensors'), { tokenizer })).rejects.toMatchObject({
      code: 'tokenizer-of-another-model',
      exitCode: 4,
      message: expect.stringMatching(/has 257 tokens, the model only 11/),
    });
  });

  it.each([
    [Number.NaN, 'float32', 'weight-not-finite', /"blocks\.1\..*" hold NaN/],
    [Number.NEGATIVE_INFINITY, 'int8', 'weight-not-finite', /hold -Infinity/],
    [1e5, 'float16', 'weight-too-large', /hold 100000, and float16 ends at 65504/],
  ] as const)(
    'a weight that is %d is refused when kept as %s, by name',
    async (value, dtype, code, message) => {
      const bytes = readFileSync(fileOf('dit.safetensors'));
      const { offset } = readSafetensors(fileOf('dit.safetensors')).get('backbone.blocks.1.attn_qkv.weight')!;
      bytes.writeFloatLE(value, offset + 40);
      await expect(converted(model(bytes), { dtype })).rejects.toMatchObject({
        code,
        exitCode: 3,
        message: expect.stringMatching(message),
      });
    },
  );

  it("SEDD's own configuration names its family by the forward process", async () => {
    const { card } = await converted(
      model('dit.safetensors', {
        graph: { type: 'absorb' },
        model: { hidden_size: 8, cond_dim: 6, n_blocks: 2, n_heads: 2, length: 16 },
        noise: { type: 'loglinear', sigma_min: 1e-4 },
      }),
    );
    expect(card).toMatchObject({ family: 'sedd', length: 16, schedule: { type: 'log-linear', eps: 1e-3 } });
  });
});
