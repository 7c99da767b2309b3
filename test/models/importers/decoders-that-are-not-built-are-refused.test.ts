/** About src/models/importers/transformers-config.ts, src/models/importers/llama.ts and src/models/importers/gpt-neox.ts */
import { describe, expect, it } from 'vitest';
import { converted, folderWith } from './published.js';
import { randomTensors } from './random-tensors.js';

const d = 8;
const llamaTensors = (change: Record<string, number[] | null> = {}) =>
  randomTensors({
    'model.embed_tokens.weight': [11, d],
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
    'lm_head.weight': [11, d],
    ...change,
  });
const llama = {
  model_type: 'llama',
  architectures: ['LlamaForCausalLM'],
  vocab_size: 11,
  hidden_size: d,
  intermediate_size: 6,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  max_position_embeddings: 64,
  tie_word_embeddings: false,
};
const source = (config: object | null, tensors = llamaTensors()) =>
  folderWith({ 'model.safetensors': tensors, ...(config && { 'config.json': config }) });

describe('a decoder', () => {
  it('that is whole is read; a head beside a tied embedding, and stored frequencies, have no use', async () => {
    expect((await converted(source(llama))).card).toMatchObject({ family: 'ar', vocabSize: 11, length: 64 });
    const extra = llamaTensors({ 'model.layers.0.self_attn.rotary_emb.inv_freq': [2] });
    const tied = await converted(source({ ...llama, tie_word_embeddings: true }, extra));
    expect(tied.card.architecture).toMatchObject({ tied: true });
  });

  it('of a long context gets a card for 2,048 tokens, and says so; --length says otherwise', async () => {
    const long = source({ ...llama, max_position_embeddings: 32_768 });
    const { card, notices } = await converted(long);
    expect([card.length, notices.join()]).toEqual([
      2048,
      expect.stringMatching(/context is 32768 tokens.*--length/),
    ]);
    expect((await converted(long, { overrides: { length: 4096 } })).card.length).toBe(4096);
    await expect(converted(long, { overrides: { length: 40_000 } })).rejects.toMatchObject({
      code: 'length-past-context',
    });
  });

  it.each<[object, string, RegExp]>([
    [{ model_type: 'llama4' }, 'unknown-architecture', /architecture that is not known, "llama4"/],
    [
      { model_type: 'dreamy', auto_map: { AutoModel: 'm.D' } },
      'unknown-architecture',
      /code of its own \(auto_map\), which is never run/,
    ],
    [{ auto_map: { AutoModelForCausalLM: 'm.D' } }, 'unknown-architecture', /auto_map .* never run/],
    [{ architectures: ['LlamaForSequenceClassification'] }, 'unknown-architecture', /LlamaForCausalLM/],
    [{ vocab_size: 12 }, 'config-contradicts-tensors', /vocab_size is 12, but the tensors say 11/],
    [{ num_hidden_layers: 2 }, 'config-contradicts-tensors', /num_hidden_layers is 2, but the tensors say 1/],
    [{ intermediate_size: 7 }, 'config-contradicts-tensors', /intermediate_size is 7/],
    [
      { num_key_value_heads: 2 },
      'config-contradicts-tensors',
      /num_key_value_heads · head_dim is 2 · 4, but the tensors say 4/,
    ],
    [
      { head_dim: 6 },
      'config-contradicts-tensors',
      /num_attention_heads · head_dim is 2 · 6, but the tensors say 8/,
    ],
    [{ num_attention_heads: 'two' }, 'bad-config', /num_attention_heads is "two".*whole number/],
    [{ num_attention_heads: null }, 'bad-config', /does not say num_attention_heads/],
    [{ rms_norm_eps: -1 }, 'bad-config', /rms_norm_eps is -1/],
    [{ attention_bias: true }, 'tensors-do-not-fit', /self_attn\.q_proj\.bias" \[8\] is missing/],
    [{ hidden_act: 'relu' }, 'unknown-architecture', /hidden_act is "relu": known: silu/],
    [{ hidden_act: '__proto__' }, 'unknown-architecture', /hidden_act is "__proto__"/],
    [
      { rope_scaling: { type: 'longrope' } },
      'unknown-architecture',
      /type is "longrope": known: default, linear/,
    ],
    [{ rope_scaling: { type: 'linear' } }, 'bad-config', /does not say factor/],
    [{ rope_scaling: 7 }, 'unknown-architecture', /rope_scaling is 7: it should be an object/],
    [
      { rope_scaling: { rope_type: 'dynamic', factor: 2, original_max_position_embeddings: 32 } },
      'unknown-architecture',
      /beyond 32 tokens/,
    ],
    [{ quantization_config: { bits: 4 } }, 'unknown-architecture', /quantised weights are not read/],
    [{ final_logit_softcapping: 30 }, 'unknown-architecture', /final_logit_softcapping is 30/],
    [
      {
        ...{ model_type: 'a2d-qwen2', architectures: [], mask_token_id: 1 },
        ...{ use_sliding_window: true, sliding_window: 32, max_window_layers: 0 },
      },
      'sliding-window',
      /see 32 tokens back/,
    ],
    [{ model_type: 'qwen2', architectures: [] }, 'tensors-do-not-fit', /q_proj\.bias" \[8\] is missing/],
    [
      { model_type: 'qwen3', architectures: [], head_dim: 4 },
      'tensors-do-not-fit',
      /q_norm\.weight" \[4\] is missing/,
    ],
  ])('whose configuration says %j is refused', async (change, code, message) => {
    await expect(converted(source({ ...llama, ...change }))).rejects.toMatchObject({
      code,
      exitCode: 3,
      message: expect.stringMatching(message),
    });
  });

  it.each([
    ['use_sliding_window is false', { use_sliding_window: false, sliding_window: 16 }],
    [
      'the window is no shorter than the text',
      { use_sliding_window: true, sliding_window: 64, max_window_layers: 0 },
    ],
    ['only later blocks slide', { use_sliding_window: true, sliding_window: 16, max_window_layers: 1 }],
  ])('is read where %s', async (_why, change) => {
    const biases = Object.fromEntries(
      ['q', 'k', 'v'].map((part) => [`model.layers.0.self_attn.${part}_proj.bias`, [part === 'q' ? 8 : 4]]),
    );
    const config = { ...llama, model_type: 'qwen2', architectures: ['Qwen2ForCausalLM'], ...change };
    expect((await converted(source(config, llamaTensors(biases)))).card.length).toBe(64);
  });

  it('without config.json is told what is missing', async () => {
    await expect(converted(source(null))).rejects.toMatchObject({ code: 'config-missing', exitCode: 3 });
  });

  it.each<[string, Record<string, number[] | null>, RegExp]>([
    ['a missing tensor', { 'model.norm.weight': null }, /"model\.norm\.weight" \[8\] is missing/],
    ['one too many', { 'score.weight': [2, 8] }, /"score\.weight" has no place/],
    [
      'no queries at all',
      { 'model.layers.0.self_attn.q_proj.weight': null },
      /no tensor "model\.layers\.0\.self_attn\.q_proj/,
    ],
    [
      'a misshapen one',
      { 'model.layers.0.mlp.down_proj.weight': [6, 8] },
      /is \[6,8\] and should be \[8,6\]/,
    ],
  ])('with %s is refused', async (_what, change, message) => {
    await expect(converted(source(llama, llamaTensors(change)))).rejects.toMatchObject({
      code: 'tensors-do-not-fit',
      message: expect.stringMatching(message),
    });
  });
});
