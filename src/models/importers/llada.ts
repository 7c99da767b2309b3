/**
 * LLaDA (arXiv 2502.09992): Llama's network that sees all tokens, under names of its own (OLMo's). Its configuration class has other
 * defaults than the published models, so what decides the network must be said in the file.
 */
import { ModelError } from '../../errors.js';
import type { DecoderDimensions } from '../architectures/decoder-dimensions.js';
import { decoderImport, type NameTable, nameBy } from './decoder-import.js';
import { blocksIn, type ImportedModel, matrixSizes } from './imported-model.js';
import { maskTokenOf, type PublishedLayout, type PublishedModel } from './published-layout.js';
import { lengthOf, modelType, TransformersConfig, textTokens } from './transformers-config.js';

const PREFIX = 'model.transformer.';
const NAMES: NameTable = {
  'vocab_embed.embedding': `${PREFIX}wte.weight`,
  norm1: 'attn_norm',
  attn_q: 'q_proj',
  attn_k: 'k_proj',
  attn_v: 'v_proj',
  attn_out: 'attn_out',
  norm2: 'ff_norm',
  'mlp.gate': 'ff_proj',
  'mlp.up': 'up_proj',
  'mlp.down': 'ff_out',
  norm_final: `${PREFIX}ln_f`,
  'output_layer.linear': `${PREFIX}ff_out`,
};
const BLOCKS = `${PREFIX}blocks.`;
const EMBEDDING = NAMES['vocab_embed.embedding'];
const theirName = nameBy(NAMES, (index) => `${BLOCKS}${index}.`);

/** What must be said, and how. */
const BUILT = { block_type: 'llama', activation_type: 'silu', layer_norm_type: 'rms' } as const;
const NOT_BUILT = [
  'alibi',
  'attention_layer_norm',
  'bias_for_layer_norm',
  'include_bias',
  'include_qkv_bias',
  'input_emb_norm',
  'multi_query_attention',
  'quantization_config',
  'rope_scaling',
  'scale_logits',
];
const CONTEXT = 4096;

export const lladaLayout: PublishedLayout = {
  description: 'LLaDA (model_type llada)',
  recognises: ({ config, tensors }) =>
    modelType(config) === 'llada' || (modelType(config) === null && tensors.has(EMBEDDING)),
  read: lladaModel,
};

/** @throws ModelError naming the tensors, or the setting that is not built */
function lladaModel(model: PublishedModel): ImportedModel {
  const { where, tensors, overrides } = model;
  const config = TransformersConfig.of(model);
  for (const [key, value] of Object.entries(BUILT)) config.choice(key, { [value]: value });
  for (const key of ['rope', 'weight_tying']) if (!config.has(key)) throw unsaid(config, key);
  if (!config.flag('rope', false)) throw config.unsupported('rope', 'its positions are rotary ones here');
  config.refuse(NOT_BUILT, 'this network has none');
  const tied = config.flag('weight_tying', true);
  const [vocabSize, hiddenSize] = matrixSizes(where, tensors, EMBEDDING);
  const [mlpSize] = matrixSizes(where, tensors, `${BLOCKS}0.${NAMES['mlp.gate']}.weight`);
  const [keys] = matrixSizes(where, tensors, `${BLOCKS}0.${NAMES.attn_k}.weight`);
  const blocks = blocksIn(tensors, BLOCKS);
  config.checkSizes({
    [config.has('embedding_size') ? 'embedding_size' : 'vocab_size']: vocabSize,
    d_model: hiddenSize,
    mlp_hidden_size: mlpSize,
    n_layers: blocks,
  });
  const heads = overrides.heads ?? config.count('n_heads');
  const headSize = hiddenSize / heads;
  if (!Number.isSafeInteger(headSize))
    throw config.unsupported('n_heads', `it does not divide the width of ${hiddenSize}`);
  const keyValueHeads = config.count('n_kv_heads', heads);
  if (keyValueHeads * headSize !== keys)
    throw config.contradiction('n_kv_heads · width of a head', `${keyValueHeads} · ${headSize}`, keys);
  const { length, notices } = lengthOf(config, model, CONTEXT, 'max_sequence_length');
  const dimensions: DecoderDimensions = {
    ...{ hiddenSize, blocks, heads, keyValueHeads, headSize, mlpSize, vocabSize, length, tied },
    attention: 'full',
    norm: { type: 'rms', epsilon: config.positive('rms_norm_eps', 1e-5) },
    rotary: { theta: config.positive('rope_theta', 10_000) },
    activation: 'silu',
    gated: true,
  };
  return decoderImport(model, {
    dimensions,
    placeOf: (parameter) => ({ name: theirName(parameter) }),
    mayBeExtra: (name) => tied && name === `${NAMES['output_layer.linear']}.weight`,
    card: {
      family: 'mdlm',
      ...textTokens(config, vocabSize, model.tokenizer),
      maskTokenId: maskTokenOf(model, vocabSize, config.token('mask_token_id', vocabSize)),
    },
    notices,
  });
}

const unsaid = ({ path }: TransformersConfig, key: string) =>
  new ModelError({
    code: 'bad-config',
    message: `${path} does not say ${key}, and what its class takes by default is not what was published.`,
    hint: 'Get it again from the repository of the weights.',
  });
