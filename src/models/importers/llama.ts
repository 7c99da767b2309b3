/**
 * Llama and the models that store their tensors as Llama does, as transformers saves them: Llama and SmolLM (`llama`), Mistral, Qwen 2,
 * 2.5 and 3, Gemma. One table of names; what differs between the model types is a line each.
 */
import type { DecoderAttention, DecoderDimensions } from '../architectures/decoder-dimensions.js';
import type { Parameter } from '../architectures/parameters.js';
import { decoderImport, type NameTable, nameBy, type Place } from './decoder-import.js';
import { blocksIn, type ImportedModel, matrixSizes } from './imported-model.js';
import type { PublishedLayout, PublishedModel } from './published-layout.js';
import {
  ACTIVATIONS,
  checkClass,
  checkWindow,
  lengthOf,
  modelType,
  rotaryOf,
  TransformersConfig,
  textTokens,
} from './transformers-config.js';

const NAMES: NameTable = {
  'vocab_embed.embedding': 'model.embed_tokens.weight',
  norm1: 'input_layernorm',
  attn_q: 'self_attn.q_proj',
  attn_k: 'self_attn.k_proj',
  attn_v: 'self_attn.v_proj',
  attn_q_norm: 'self_attn.q_norm',
  attn_k_norm: 'self_attn.k_norm',
  attn_out: 'self_attn.o_proj',
  norm2: 'post_attention_layernorm',
  'mlp.gate': 'mlp.gate_proj',
  'mlp.up': 'mlp.up_proj',
  'mlp.down': 'mlp.down_proj',
  norm_final: 'model.norm',
  'output_layer.linear': 'lm_head',
};
const BLOCKS = 'model.layers.';
const EMBEDDING = NAMES['vocab_embed.embedding'];
const theirName = nameBy(NAMES, (index) => `${BLOCKS}${index}.`);

/** Frequencies that older versions stored, and the head, if it is stored although it equals the embedding. */
const isBuffer = (tied: boolean) => (name: string) =>
  /\.rotary_emb\.inv_freq$/.test(name) || (tied && name === 'lm_head.weight');

/** What a model type has beyond Llama. */
export interface LlamaKind {
  /** Classes of transformers that this network is. */
  classes: readonly string[];
  /** Biases of the layers that make queries, keys and values, or the key that says it. */
  biases(config: TransformersConfig): NonNullable<DecoderDimensions['biases']>;
  queryKeyNorm?: boolean;
  /** If no key says it; else the width over the number of heads. */
  headSize?: number;
  tied?: boolean;
  /** If no key says it. */
  context: number;
  gemma?: boolean;
  /** Tokens back that some block sees at most; null: all. */
  window(config: TransformersConfig, blocks: number): DecoderDimensions['window'] | null;
}

const noWindow = () => null;

/** Blocks from `max_window_layers` on slide, unless `layer_types` lists what each does. */
function qwenWindow(config: TransformersConfig, blocks: number): DecoderDimensions['window'] | null {
  if (!config.flag('use_sliding_window', false) || !config.has('sliding_window')) return null;
  const types = config.list('layer_types');
  const from = config.whole('max_window_layers', 28);
  const slides = (block: number) => (types.length > 0 ? types[block] === 'sliding_attention' : block >= from);
  return windowOf(config, blocksUpTo(blocks).filter(slides));
}

const blocksUpTo = (blocks: number): number[] => Array.from({ length: blocks }, (_, i) => i);

const windowOf = (config: TransformersConfig, blocks: number[]) =>
  blocks.length > 0 ? { tokens: config.count('sliding_window'), blocks } : null;

const projections = (config: TransformersConfig) => {
  const bias = config.flag('attention_bias', false);
  return { qkv: bias, out: bias };
};

export const LLAMA_KINDS = {
  llama: {
    classes: ['LlamaForCausalLM', 'LLaMAForCausalLM'],
    biases: (config) => ({ ...projections(config), mlp: config.flag('mlp_bias', false) }),
    context: 2048,
    window: noWindow,
  },
  mistral: {
    classes: ['MistralForCausalLM'],
    biases: () => ({}),
    context: 131_072,
    window: (config, blocks) => (config.has('sliding_window') ? windowOf(config, blocksUpTo(blocks)) : null),
  },
  qwen2: {
    classes: ['Qwen2ForCausalLM'],
    biases: () => ({ qkv: true }),
    context: 32_768,
    window: qwenWindow,
  },
  qwen3: {
    classes: ['Qwen3ForCausalLM'],
    biases: projections,
    queryKeyNorm: true,
    headSize: 128,
    context: 32_768,
    window: qwenWindow,
  },
  gemma: {
    classes: ['GemmaForCausalLM'],
    biases: projections,
    headSize: 256,
    tied: true,
    context: 8192,
    gemma: true,
    window: noWindow,
  },
} satisfies Record<string, LlamaKind>;

const kindOf = (type: string | null): LlamaKind | null =>
  type !== null && Object.hasOwn(LLAMA_KINDS, type) ? LLAMA_KINDS[type as keyof typeof LLAMA_KINDS] : null;

export const llamaLayout: PublishedLayout = {
  description: `Llama and its kin by transformers (model_type ${Object.keys(LLAMA_KINDS).join(', ')})`,
  recognises: ({ config, tensors }) =>
    kindOf(modelType(config)) !== null || (modelType(config) === null && tensors.has(EMBEDDING)),
  read(model) {
    const config = TransformersConfig.of(model);
    const kind = kindOf(modelType(model.config));
    if (!kind) throw config.unsupported('model_type', `known: ${Object.keys(LLAMA_KINDS).join(', ')}`);
    checkClass(config, kind.classes);
    const { dimensions, notices } = llamaDimensions(model, config, kind, 'causal');
    const card = { family: 'ar' as const, ...textTokens(config, dimensions.vocabSize, model.tokenizer) };
    return llamaImport(model, kind, { dimensions, card, notices });
  },
};

/**
 * The dimensions by tensors and configuration.
 * @throws ModelError when they contradict each other, or ask for what is not built
 */
export function llamaDimensions(
  model: PublishedModel,
  config: TransformersConfig,
  kind: LlamaKind,
  attention: DecoderAttention,
): { dimensions: DecoderDimensions; notices: string[] } {
  const { where, tensors, overrides } = model;
  config.refuse(['quantization_config'], 'quantised weights are not read');
  config.refuse(
    [
      'attn_logit_softcapping',
      'final_logit_softcapping',
      'query_pre_attn_scalar',
      'use_bidirectional_attention',
    ],
    'this network has none',
  );
  const tied = config.flag('tie_word_embeddings', kind.tied ?? false);
  const [vocabSize, hiddenSize] = matrixSizes(where, tensors, EMBEDDING);
  const [queries] = matrixSizes(where, tensors, `${BLOCKS}0.${NAMES.attn_q}.weight`);
  const [keys] = matrixSizes(where, tensors, `${BLOCKS}0.${NAMES.attn_k}.weight`);
  const [mlpSize] = matrixSizes(where, tensors, `${BLOCKS}0.${NAMES['mlp.gate']}.weight`);
  const blocks = blocksIn(tensors, BLOCKS);
  config.checkSizes({
    vocab_size: vocabSize,
    hidden_size: hiddenSize,
    intermediate_size: mlpSize,
    num_hidden_layers: blocks,
  });
  const heads = overrides.heads ?? config.count('num_attention_heads');
  const headSize = config.count('head_dim', kind.headSize ?? Math.max(1, Math.floor(hiddenSize / heads)));
  if (heads * headSize !== queries)
    throw config.contradiction('num_attention_heads · head_dim', `${heads} · ${headSize}`, queries);
  const keyValueHeads = config.count('num_key_value_heads', heads);
  if (keyValueHeads * headSize !== keys)
    throw config.contradiction('num_key_value_heads · head_dim', `${keyValueHeads} · ${headSize}`, keys);
  const { length, context, notices } = lengthOf(config, model, kind.context);
  const window = kind.window(config, blocks);
  const narrows = window && window.tokens < length ? window : null;
  if (attention !== 'causal') checkWindow(config, narrows?.tokens ?? null, length);
  // Gemma was trained with the tanh approximation; its first configurations call it "gelu", and `hidden_activation` corrects them.
  const activation = kind.gemma
    ? config.choice(
        config.has('hidden_activation') ? 'hidden_activation' : 'hidden_act',
        { ...ACTIVATIONS, gelu: 'gelu-tanh' } as const,
        'gelu_pytorch_tanh',
      )
    : config.choice('hidden_act', ACTIVATIONS, 'silu');
  const dimensions: DecoderDimensions = {
    hiddenSize,
    blocks,
    heads,
    keyValueHeads,
    headSize,
    mlpSize,
    vocabSize,
    length,
    tied,
    attention,
    ...(narrows && { window: narrows }),
    norm: { type: 'rms', epsilon: config.positive('rms_norm_eps', 1e-6) },
    ...(kind.queryKeyNorm && { queryKeyNorm: true }),
    biases: kind.biases(config),
    rotary: rotaryOf(config, { headSize, context, length }),
    activation,
    gated: true,
    ...(kind.gemma && { embeddingScale: Math.fround(Math.sqrt(hiddenSize)) }),
  };
  return { dimensions, notices };
}

/** @throws ModelError `tensors-do-not-fit` */
export function llamaImport(
  model: Pick<PublishedModel, 'where' | 'tensors'>,
  { gemma = false }: Pick<LlamaKind, 'gemma'>,
  rest: Pick<Parameters<typeof decoderImport>[1], 'dimensions' | 'card' | 'notices'>,
): ImportedModel {
  const placeOf = (parameter: Parameter): Place => ({
    name: theirName(parameter),
    ...(gemma && /norm/.test(parameter.name) && { plus: 1 }),
  });
  return decoderImport(model, { ...rest, placeOf, mayBeExtra: isBuffer(rest.dimensions.tied) });
}
