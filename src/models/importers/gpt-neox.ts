/** GPT-NeoX as transformers saves it, the network of Pythia. Queries, keys and values are one matrix, stored head by head. */
import type { DecoderDimensions } from '../architectures/decoder-dimensions.js';
import type { Parameter } from '../architectures/parameters.js';
import { decoderImport, type NameTable, nameBy, type Place } from './decoder-import.js';
import { blocksIn, type ImportedModel, matrixSizes } from './imported-model.js';
import type { PublishedLayout, PublishedModel } from './published-layout.js';
import {
  ACTIVATIONS,
  checkClass,
  lengthOf,
  modelType,
  rotaryOf,
  TransformersConfig,
  textTokens,
} from './transformers-config.js';

const TOGETHER = 'attention.query_key_value';
const NAMES: NameTable = {
  'vocab_embed.embedding': 'gpt_neox.embed_in.weight',
  norm1: 'input_layernorm',
  attn_q: TOGETHER,
  attn_k: TOGETHER,
  attn_v: TOGETHER,
  attn_out: 'attention.dense',
  norm2: 'post_attention_layernorm',
  'mlp.up': 'mlp.dense_h_to_4h',
  'mlp.down': 'mlp.dense_4h_to_h',
  norm_final: 'gpt_neox.final_layer_norm',
  'output_layer.linear': 'embed_out',
};
const BLOCKS = 'gpt_neox.layers.';
const EMBEDDING = NAMES['vocab_embed.embedding'];
const theirName = nameBy(NAMES, (index) => `${BLOCKS}${index}.`);

/** The causal mask and the frequencies, which older versions stored. */
const isBuffer = (name: string): boolean =>
  /\.attention\.(bias|masked_bias|rotary_emb\.inv_freq)$/.test(name);

export const gptNeoxLayout: PublishedLayout = {
  description: 'GPT-NeoX and Pythia by transformers (model_type gpt_neox)',
  recognises: ({ config, tensors }) =>
    (modelType(config) ?? 'gpt_neox') === 'gpt_neox' && tensors.has(EMBEDDING),
  read: gptNeoxModel,
};

/** @throws ModelError naming the tensors, or the setting that is not built */
function gptNeoxModel(model: PublishedModel): ImportedModel {
  const { where, tensors, overrides } = model;
  const config = TransformersConfig.of(model);
  checkClass(config, ['GPTNeoXForCausalLM']);
  config.refuse(['quantization_config'], 'quantised weights are not read');
  const tied = config.flag('tie_word_embeddings', false);
  const [vocabSize, hiddenSize] = matrixSizes(where, tensors, EMBEDDING);
  const [mlpSize] = matrixSizes(where, tensors, `${BLOCKS}0.${NAMES['mlp.up']}.weight`);
  const blocks = blocksIn(tensors, BLOCKS);
  config.checkSizes({
    vocab_size: vocabSize,
    hidden_size: hiddenSize,
    intermediate_size: mlpSize,
    num_hidden_layers: blocks,
  });
  const heads = overrides.heads ?? config.count('num_attention_heads');
  const headSize = hiddenSize / heads;
  if (!Number.isSafeInteger(headSize)) {
    throw config.unsupported('num_attention_heads', `it does not divide the width of ${hiddenSize}`);
  }
  const { length, context, notices } = lengthOf(config, model, 2048);
  const bias = config.flag('attention_bias', true);
  const dimensions: DecoderDimensions = {
    hiddenSize,
    blocks,
    heads,
    keyValueHeads: heads,
    headSize,
    mlpSize,
    vocabSize,
    length,
    tied,
    attention: 'causal',
    norm: { type: 'layer', epsilon: config.positive('layer_norm_eps', 1e-5) },
    biases: { qkv: bias, out: bias, mlp: true },
    rotary: rotaryOf(
      config,
      { headSize, context, length },
      { theta: 'rotary_emb_base', fraction: 'rotary_pct', usualFraction: 0.25 },
    ),
    activation: config.choice('hidden_act', ACTIVATIONS, 'gelu'),
    gated: false,
    parallel: config.flag('use_parallel_residual', true),
  };
  return decoderImport(model, {
    dimensions,
    placeOf: (parameter) => placeOf(parameter, dimensions),
    mayBeExtra: (name) => isBuffer(name) || (tied && name === 'embed_out.weight'),
    card: { family: 'ar', ...textTokens(config, vocabSize, model.tokenizer) },
    notices,
  });
}

const PARTS = ['attn_q', 'attn_k', 'attn_v'];

/** Of each head in turn the rows of its queries, of its keys and of its values. */
function placeOf(parameter: Parameter, { hiddenSize, heads, headSize }: DecoderDimensions): Place {
  const name = theirName(parameter);
  const part = PARTS.findIndex((each) => parameter.name.includes(`.${each}.`));
  if (part < 0) return { name };
  const shape = parameter.dims.length === 2 ? [3 * hiddenSize, hiddenSize] : [3 * hiddenSize];
  const rows = Array.from({ length: heads }, (_, head) => {
    const from = (3 * head + part) * headSize;
    return [from, from + headSize] as const;
  });
  return { name, shape, rows };
}
