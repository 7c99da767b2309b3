/** ModernBERT as transformers saves it (ModernBertForMaskedLM), and as dllm trains it on for chat. */
import {
  type ModernBertDimensions,
  modernBertGraph,
  modernBertParameters,
} from '../architectures/modernbert.js';
import type { Parameter } from '../architectures/parameters.js';
import { nameBy } from './decoder-import.js';
import {
  blocksIn,
  checkTensors,
  type ImportedModel,
  matrixSizes,
  namedSource,
  shapeOutIn,
} from './imported-model.js';
import { checkPredictsTokens, headsOf, maskedCard } from './masked-encoder.js';
import type { PublishedLayout, PublishedModel } from './published-layout.js';
import { ACTIVATIONS, checkClass, modelType, TransformersConfig } from './transformers-config.js';

const WORDS = 'model.embeddings.tok_embeddings.weight';
const LAYERS = 'model.layers.';
const HEAD = 'head.dense';
const DECODER = 'decoder';

/** Ours, and theirs. */
const NAMES = {
  'vocab_embed.embedding': WORDS,
  norm_embed: 'model.embeddings.norm',
  norm1: 'attn_norm',
  attn_qkv: 'attn.Wqkv',
  attn_out: 'attn.Wo',
  norm2: 'mlp_norm',
  'mlp.0': 'mlp.Wi',
  'mlp.2': 'mlp.Wo',
  norm_final: 'model.final_norm',
  'head.dense': HEAD,
  'head.norm': 'head.norm',
  'output_layer.linear': DECODER,
};

/** The bases of rotary positions where a configuration does not say them. */
const USUAL_THETA = { global: 160_000, local: 10_000 };

export const modernBertLayout: PublishedLayout = {
  description: 'ModernBERT (model.embeddings.tok_embeddings.weight)',
  recognises: ({ tensors, config }) =>
    modelType(config) === 'modernbert' || (modelType(config) === null && tensors.has(WORDS)),
  read: modernBertModel,
};

/** @throws ModelError naming the tensors, or a setting of the configuration that is not built */
function modernBertModel(model: PublishedModel): ImportedModel {
  const { where, tensors } = model;
  const config = TransformersConfig.of(model);
  checkPredictsTokens(where, tensors, `${HEAD}.weight`);
  checkClass(config, ['ModernBertForMaskedLM']);
  config.refuse(['rope_scaling'], 'positions of another scale are not known in this network');
  const [vocabSize, hiddenSize] = matrixSizes(where, tensors, WORDS);
  const [, mlpSize] = matrixSizes(where, tensors, `${LAYERS}0.mlp.Wo.weight`);
  const blocks = blocksIn(tensors, LAYERS);
  config.checkSizes({
    vocab_size: vocabSize,
    hidden_size: hiddenSize,
    num_hidden_layers: blocks,
    intermediate_size: mlpSize,
  });
  const { card, context, notices } = maskedCard(model, config, { vocabSize, usualContext: 8192 });
  const dimensions: ModernBertDimensions = {
    hiddenSize,
    blocks,
    heads: headsOf(model, config, hiddenSize, { even: true }),
    mlpSize,
    vocabSize,
    length: context,
    epsilon: config.positive('norm_eps', 1e-5),
    activation: config.choice('hidden_activation', ACTIVATIONS, 'gelu'),
    headActivation: config.choice('classifier_activation', ACTIVATIONS, 'gelu'),
    tied: config.flag('tie_word_embeddings', true),
    isLocal: localBlocks(config, blocks),
    reach: Math.floor(config.count('local_attention', 128) / 2),
    theta: thetasOf(config, model.config?.json.local_rope_theta === null),
    biases: {
      norm: config.flag('norm_bias', false),
      attention: config.flag('attention_bias', false),
      mlp: config.flag('mlp_bias', false),
      dense: config.flag('classifier_bias', false),
      head: config.flag('decoder_bias', true),
    },
  };
  const parameters = modernBertParameters(dimensions);
  const expected = parameters.map((parameter) => ({ name: nameOf(parameter), shape: shapeOutIn(parameter) }));
  checkTensors(where, expected, tensors, (name) => dimensions.tied && name === `${DECODER}.weight`);
  const { vocabSize: _, length: __, ...sizes } = dimensions;
  return {
    parameters,
    graph: (options) => modernBertGraph(dimensions, options),
    source: namedSource(tensors, nameOf, true),
    card: { ...card, architecture: { name: 'modernbert', ...sizes } },
    notices,
  };
}

const nameOf: (parameter: Parameter) => string = nameBy(NAMES, (index) => `${LAYERS}${index}.`);

/** Which blocks see a window only: a list by block in version 5, before it one block in so many that sees all. */
function localBlocks(config: TransformersConfig, blocks: number): boolean[] {
  if (!config.has('layer_types')) {
    const every = config.count('global_attn_every_n_layers', 3);
    return Array.from({ length: blocks }, (_, i) => i % every !== 0);
  }
  const types = config.list('layer_types');
  if (types.length !== blocks) throw config.contradiction('the number of layer_types', types.length, blocks);
  return types.map((type) => {
    if (type === 'sliding_attention' || type === 'full_attention') return type === 'sliding_attention';
    throw config.unsupported('layer_types', 'known are full_attention and sliding_attention');
  });
}

/** `rope_parameters` of version 5, else two keys. A null base of local positions is the global one. */
function thetasOf(config: TransformersConfig, isNull: boolean): ModernBertDimensions['theta'] {
  const parts = config.part('rope_parameters');
  const thetaOf = (part: string, otherwise: () => number) => {
    const parameters = parts?.part(part);
    parameters?.choice('rope_type', { default: true }, 'default');
    return parameters?.has('rope_theta') ? parameters.positive('rope_theta') : otherwise();
  };
  const global = thetaOf('full_attention', () => config.positive('global_rope_theta', USUAL_THETA.global));
  const local = thetaOf('sliding_attention', () =>
    isNull ? global : config.positive('local_rope_theta', USUAL_THETA.local),
  );
  return { global, local };
}
