/** About src/models/importers/llama-diffusion.ts, llada.ts, smdm.ts, gpt2.ts, special-tokens.ts and import-checkpoint.ts: what is not built. */
import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../../src/models/checkpoint.js';
import type { ImportRequest } from '../../../src/models/importers/import-checkpoint.js';
import { converted, folderWith } from './published.js';
import { randomTensors } from './random-tensors.js';

type Shapes = Record<string, number[] | null>;
const [d, V] = [8, 11];

const qwen: Shapes = {
  'model.embed_tokens.weight': [V, d],
  'model.layers.0.input_layernorm.weight': [d],
  'model.layers.0.self_attn.q_proj.weight': [d, d],
  'model.layers.0.self_attn.k_proj.weight': [4, d],
  'model.layers.0.self_attn.v_proj.weight': [4, d],
  'model.layers.0.self_attn.o_proj.weight': [d, d],
  'model.layers.0.post_attention_layernorm.weight': [d],
  'model.layers.0.mlp.gate_proj.weight': [6, d],
  'model.layers.0.mlp.up_proj.weight': [6, d],
  'model.layers.0.mlp.down_proj.weight': [d, 6],
  'model.norm.weight': [d],
  'lm_head.weight': [V, d],
};
const norms: Shapes = {
  'model.layers.0.self_attn.q_norm.weight': [4],
  'model.layers.0.self_attn.k_norm.weight': [4],
};
const biases: Shapes = {
  'model.layers.0.self_attn.q_proj.bias': [d],
  'model.layers.0.self_attn.k_proj.bias': [4],
  'model.layers.0.self_attn.v_proj.bias': [4],
};
const sizes = {
  vocab_size: V,
  hidden_size: d,
  intermediate_size: 6,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  max_position_embeddings: 64,
  tie_word_embeddings: false,
  auto_map: { AutoModel: 'modeling.Any' },
};

interface Layout {
  config: Record<string, unknown> | null;
  shapes: Shapes;
  request?: Partial<ImportRequest>;
  /** A tensor that can be taken away, or given another shape. */
  one: string;
  file?: string;
}

const layouts: Record<string, Layout> = {
  dream: {
    config: { ...sizes, model_type: 'Dream', architectures: ['DreamModel'], mask_token_id: 9 },
    shapes: { ...qwen, ...biases },
    one: 'model.layers.0.self_attn.k_proj.bias',
  },
  a2d: {
    config: { ...sizes, model_type: 'a2d-qwen3', architectures: ['A2DQwen3LMHeadModel'], head_dim: 4 },
    shapes: { ...qwen, ...norms },
    request: { overrides: { maskTokenId: 9 } },
    one: 'model.layers.0.self_attn.q_norm.weight',
  },
  sdar: {
    config: { ...sizes, model_type: 'sdar', head_dim: 4, mask_token_id: 9, block_size: 4 },
    shapes: { ...qwen, ...norms },
    one: 'model.norm.weight',
  },
  llada: {
    config: {
      model_type: 'llada',
      architectures: ['LLaDAModelLM'],
      block_type: 'llama',
      activation_type: 'silu',
      layer_norm_type: 'rms',
      rope: true,
      weight_tying: false,
      d_model: d,
      n_heads: 2,
      n_kv_heads: 1,
      n_layers: 1,
      mlp_hidden_size: 6,
      embedding_size: V,
      mask_token_id: 9,
      max_sequence_length: 32,
    },
    shapes: {
      'model.transformer.wte.weight': [V, d],
      'model.transformer.blocks.0.attn_norm.weight': [d],
      'model.transformer.blocks.0.q_proj.weight': [d, d],
      'model.transformer.blocks.0.k_proj.weight': [4, d],
      'model.transformer.blocks.0.v_proj.weight': [4, d],
      'model.transformer.blocks.0.attn_out.weight': [d, d],
      'model.transformer.blocks.0.ff_norm.weight': [d],
      'model.transformer.blocks.0.ff_proj.weight': [6, d],
      'model.transformer.blocks.0.up_proj.weight': [6, d],
      'model.transformer.blocks.0.ff_out.weight': [d, 6],
      'model.transformer.ln_f.weight': [d],
      'model.transformer.ff_out.weight': [V, d],
    },
    one: 'model.transformer.blocks.0.ff_out.weight',
  },
  smdm: {
    config: null,
    shapes: {
      'transformer.wte.weight': [V + 1, d],
      'transformer.h.0.norm_1.weight': [d],
      'transformer.h.0.attn.attn.weight': [3 * d, d],
      'transformer.h.0.attn.proj.weight': [d, d],
      'transformer.h.0.norm_2.weight': [d],
      'transformer.h.0.mlp.swiglu.w1.weight': [6, d],
      'transformer.h.0.mlp.swiglu.w2.weight': [6, d],
      'transformer.h.0.mlp.swiglu.w3.weight': [d, 6],
      'transformer.ln_f.weight': [d],
      'lm_head.weight': [V, d],
    },
    request: { overrides: { heads: 2, length: 32 } },
    one: 'transformer.h.0.attn.proj.weight',
    file: 'mdm-170M-100e18.safetensors',
  },
  diffugpt: {
    config: { model_type: 'gpt2', n_embd: d, n_head: 2, n_layer: 1, n_positions: 16, vocab_size: V },
    shapes: {
      'embed_tokens.weight': [V, d],
      'denoise_model.wpe.weight': [16, d],
      'denoise_model.h.0.ln_1.weight': [d],
      'denoise_model.h.0.ln_1.bias': [d],
      'denoise_model.h.0.attn.c_attn.weight': [d, 3 * d],
      'denoise_model.h.0.attn.c_attn.bias': [3 * d],
      'denoise_model.h.0.attn.c_proj.weight': [d, d],
      'denoise_model.h.0.attn.c_proj.bias': [d],
      'denoise_model.h.0.ln_2.weight': [d],
      'denoise_model.h.0.ln_2.bias': [d],
      'denoise_model.h.0.mlp.c_fc.weight': [d, 4 * d],
      'denoise_model.h.0.mlp.c_fc.bias': [4 * d],
      'denoise_model.h.0.mlp.c_proj.weight': [4 * d, d],
      'denoise_model.h.0.mlp.c_proj.bias': [d],
      'denoise_model.ln_f.weight': [d],
      'denoise_model.ln_f.bias': [d],
    },
    request: { overrides: { maskTokenId: 9 } },
    one: 'denoise_model.h.0.attn.c_attn.weight',
  },
};

function source(name: string, config: object | null = {}, shapes: Shapes = {}): string {
  const layout = layouts[name];
  const { file = 'model.safetensors' } = layout;
  const whole = layout.config && config && { ...layout.config, ...config };
  const folder = folderWith({
    [file]: randomTensors({ ...layout.shapes, ...shapes }),
    ...(whole && { 'config.json': whole }),
  });
  return join(folder, file);
}
const read = (
  name: string,
  config: object | null = {},
  shapes: Shapes = {},
  request = layouts[name].request,
) => converted(source(name, config, shapes), request);

describe.each(Object.entries(layouts))('%s', (name, { one, request, shapes }) => {
  it('that is whole opens as a checkpoint', async () => {
    const { path, card } = await read(name);
    expect(card).toMatchObject({ family: name === 'sdar' ? 'bd3lm' : 'mdlm', vocabSize: V });
    expect((await openCheckpoint(path)).maskTokenId).toBe(name === 'smdm' ? V : 9);
  });

  it('without one of its tensors is refused, naming it', async () => {
    await expect(read(name, {}, { [one]: null })).rejects.toMatchObject({
      exitCode: 3,
      message: expect.stringContaining(one),
    });
  });

  it('with a misshapen one, or one too many, is refused', async () => {
    const shape = shapes[one] ?? [];
    await expect(read(name, {}, { [one]: shape.map((size) => size + 4) })).rejects.toMatchObject({
      exitCode: 3,
    });
    await expect(read(name, {}, { 'lm_tail.weight': [2] })).rejects.toMatchObject({
      code: 'tensors-do-not-fit',
      message: expect.stringContaining('"lm_tail.weight" has no place'),
    });
  });

  it('that ends too early is refused', async () => {
    const path = source(name);
    truncateSync(path, 900);
    await expect(converted(path, request)).rejects.toMatchObject({ exitCode: 3 });
  });
});

const configured = Object.keys(layouts).filter((name) => layouts[name].config !== null);

describe.each(configured)('the configuration of %s', (name) => {
  it('that contradicts its tensors is refused', async () => {
    const width = { llada: 'd_model', diffugpt: 'n_embd' }[name] ?? 'hidden_size';
    await expect(read(name, { [width]: 12 })).rejects.toMatchObject({
      code: 'config-contradicts-tensors',
      message: expect.stringContaining(`${width} is 12, but the tensors say 8`),
    });
  });

  it('that names another activation is refused by name', async () => {
    const key = { llada: 'activation_type', diffugpt: 'activation_function' }[name] ?? 'hidden_act';
    await expect(read(name, { [key]: 'relu' })).rejects.toMatchObject({
      code: 'unknown-architecture',
      message: expect.stringContaining('"relu"'),
    });
  });
});

describe('the mask', () => {
  it.each(['a2d', 'diffugpt'])('of %s must be said', async (name) => {
    await expect(read(name, {}, {}, {})).rejects.toMatchObject({
      code: 'no-mask-token',
      hint: expect.stringContaining('--mask-token-id'),
    });
    expect((await read(name, { mask_token_id: 7 }, {}, {})).card.maskTokenId).toBe(7);
    expect((await read(name, { mask_token_id: 7 })).card.maskTokenId).toBe(9);
    expect((await read(name, {}, {}, { known: { maskTokenId: 5 } })).card.maskTokenId).toBe(5);
  });

  it('is one of the tokens that are embedded', async () => {
    await expect(read('a2d', {}, {}, { overrides: { maskTokenId: V } })).rejects.toMatchObject({
      code: 'token-outside-vocabulary',
    });
  });
});

describe('the rest', () => {
  it('a class that is not that of the model_type is refused; code is never looked at', async () => {
    await expect(read('dream', { architectures: ['DreamForever'] })).rejects.toMatchObject({
      code: 'unknown-architecture',
      message: expect.stringContaining('DreamModel is known'),
    });
  });

  it('SDAR without a block size asks for it', async () => {
    await expect(read('sdar', { block_size: null })).rejects.toMatchObject({
      code: 'no-block-size',
      hint: expect.stringContaining('--block-size'),
    });
    const { card } = await read('sdar', {}, {}, { overrides: { blockSize: 8 } });
    expect(card).toMatchObject({ blockSize: 8, attention: { blockCausal: 8 } });
  });

  it('dllm’s networks trained in blocks are read so by flags, Dream’s are not', async () => {
    const flags = { overrides: { family: 'bd3lm', blockSize: 4, maskTokenId: 9 } } as const;
    expect((await read('a2d', {}, {}, flags)).card).toMatchObject({ family: 'bd3lm', blockSize: 4 });
    await expect(read('dream', {}, {}, flags)).rejects.toMatchObject({ code: 'unknown-architecture' });
  });

  it.each(['rope', 'weight_tying'])('LLaDA must say %s: its class has other defaults', async (key) => {
    await expect(read('llada', { [key]: null })).rejects.toMatchObject({
      code: 'bad-config',
      message: expect.stringContaining(`does not say ${key}`),
    });
  });

  it.each(['alibi', 'include_bias', 'scale_logits'])('LLaDA with %s is not built', async (key) => {
    await expect(read('llada', { [key]: true })).rejects.toMatchObject({ code: 'unknown-architecture' });
  });

  it('SMDM’s heads are those of the ladder, and its name is believed only as far as it is true', async () => {
    const long = {
      'transformer.wte.weight': [V + 1, 256],
      'lm_head.weight': [V, 256],
      'transformer.ln_f.weight': [256],
    };
    const blocks = Array.from({ length: 6 }, (_, i): Shapes => {
      const of = (part: string, shape: number[]) => ({ [`transformer.h.${i}.${part}.weight`]: shape });
      return {
        ...of('norm_1', [256]),
        ...of('attn.attn', [768, 256]),
        ...of('attn.proj', [256, 256]),
        ...of('norm_2', [256]),
        ...of('mlp.swiglu.w1', [6, 256]),
        ...of('mlp.swiglu.w2', [6, 256]),
        ...of('mlp.swiglu.w3', [256, 6]),
      };
    });
    const tensors = randomTensors(Object.assign({}, long, ...blocks));
    const named = (name: string) => join(folderWith({ [name]: tensors }), name);
    const { card } = await converted(named('mdm-6M-6e18.safetensors'));
    expect(card).toMatchObject({ family: 'mdlm', maskTokenId: V, length: 2048, architecture: { heads: 4 } });
    await expect(converted(named('mdm-170M-6e18.safetensors'))).rejects.toMatchObject({
      code: 'name-contradicts-tensors',
    });
    await expect(read('smdm', null, {}, {})).rejects.toMatchObject({ code: 'unknown-size' });
  });

  it('an embedding without a row for the mask is an autoregressive model of the ladder', async () => {
    const { card } = await read('smdm', null, { 'transformer.wte.weight': [V, d] });
    expect(card.family).toBe('ar');
    expect(card.maskTokenId).toBeUndefined();
  });

  it('rows after the tokenizer’s last token are padding', async () => {
    const folder = folderWith({});
    const vocab = { a: 0, b: 1, '<|mask|>': 2, c: 3 };
    const tokenizer = { model: { type: 'WordLevel', vocab, unk_token: 'a' }, added_tokens: [] };
    writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(tokenizer));
    const { card } = await read('a2d', {}, {}, { tokenizer: folder });
    expect(card).toMatchObject({ maskTokenId: 2, textVocabSize: 4, vocabSize: V });
  });
});
