/** BERT as transformers saves it (BertForMaskedLM, BertForPreTraining): `bert.embeddings.word_embeddings.weight` … */
import { type BertDimensions, bertGraph, bertParameters } from '../architectures/bert.js';
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
import type { StoredTensors } from './stored-tensor.js';
import { ACTIVATIONS, checkClass, modelType, TransformersConfig } from './transformers-config.js';

const EMBEDDINGS = 'bert.embeddings.';
const WORDS = `${EMBEDDINGS}word_embeddings.weight`;
const LAYERS = 'bert.encoder.layer.';
const BIAS = 'cls.predictions.bias';
const DECODER = 'cls.predictions.decoder.';

/** Ours, and theirs. */
const NAMES = {
  'vocab_embed.embedding': WORDS,
  'position_embed.embedding': `${EMBEDDINGS}position_embeddings.weight`,
  'type_embed.embedding': `${EMBEDDINGS}token_type_embeddings.weight`,
  norm_embed: `${EMBEDDINGS}LayerNorm`,
  attn_q: 'attention.self.query',
  attn_k: 'attention.self.key',
  attn_v: 'attention.self.value',
  attn_out: 'attention.output.dense',
  norm1: 'attention.output.LayerNorm',
  'mlp.0': 'intermediate.dense',
  'mlp.2': 'output.dense',
  norm2: 'output.LayerNorm',
  'head.dense': 'cls.predictions.transform.dense',
  'head.norm': 'cls.predictions.transform.LayerNorm',
};

/** What such files have beside the network: the head of the second task of training, a buffer, and tied matrices once more. */
const EXTRA =
  /^(bert\.pooler\.|cls\.seq_relationship\.|bert\.embeddings\.position_ids$|cls\.predictions\.(decoder\.(weight|bias)|bias)$)/;

export const bertLayout: PublishedLayout = {
  description: 'BERT (bert.embeddings.word_embeddings.weight)',
  recognises: ({ tensors, config }) =>
    modelType(config) === 'bert' || (modelType(config) === null && tensors.has(WORDS)),
  read: bertModel,
};

/** @throws ModelError naming the tensors, or a setting of the configuration that is not built */
function bertModel(model: PublishedModel): ImportedModel {
  const { where, tensors } = model;
  const config = TransformersConfig.of(model);
  checkPredictsTokens(where, tensors, `${NAMES['head.dense']}.weight`);
  checkClass(config, ['BertForMaskedLM', 'BertForPreTraining']);
  config.refuse(['is_decoder', 'add_cross_attention'], 'such a BERT is a decoder, and not known here');
  config.choice('position_embedding_type', { absolute: true }, 'absolute');
  const [vocabSize, hiddenSize] = matrixSizes(where, tensors, WORDS);
  const [length] = matrixSizes(where, tensors, NAMES['position_embed.embedding']);
  const [types] = matrixSizes(where, tensors, NAMES['type_embed.embedding']);
  const [mlpSize] = matrixSizes(where, tensors, `${LAYERS}0.intermediate.dense.weight`);
  const blocks = blocksIn(tensors, LAYERS);
  config.checkSizes({
    vocab_size: vocabSize,
    hidden_size: hiddenSize,
    num_hidden_layers: blocks,
    intermediate_size: mlpSize,
    max_position_embeddings: length,
    type_vocab_size: types,
  });
  const dimensions: BertDimensions = {
    hiddenSize,
    blocks,
    heads: headsOf(model, config, hiddenSize),
    mlpSize,
    vocabSize,
    length,
    types,
    epsilon: config.positive('layer_norm_eps', 1e-12),
    activation: config.choice('hidden_act', ACTIVATIONS, 'gelu'),
    tied: config.flag('tie_word_embeddings', true),
  };
  const { card, notices } = maskedCard(model, config, { vocabSize, usualContext: length });
  const parameters = bertParameters(dimensions);
  const nameOf = (parameter: Parameter) => storedName(tensors, dimensions.tied, parameter);
  const expected = parameters.map((parameter) => ({
    name: nameOf(parameter),
    shape: shapeOutIn(parameter),
  }));
  checkTensors(where, expected, tensors, (name) => EXTRA.test(name));
  const { vocabSize: _, length: __, ...sizes } = dimensions;
  return {
    parameters,
    graph: (options) => bertGraph(dimensions, options),
    source: namedSource(tensors, nameOf, true),
    card: { ...card, architecture: { name: 'bert', ...sizes } },
    notices,
  };
}

const plainName = nameBy(NAMES, (index) => `${LAYERS}${index}.`);

/** The name in this file: the first files call the weight and bias of layer normalisation gamma and beta. */
function storedName(tensors: StoredTensors, tied: boolean, parameter: Parameter): string {
  const ours = parameter.name;
  if (ours === 'output_layer.linear.weight') return `${DECODER}weight`;
  if (ours === 'output_layer.linear.bias') {
    // Tied, both are the same; else the second is what is added.
    const names = tied ? [BIAS, `${DECODER}bias`] : [`${DECODER}bias`, BIAS];
    return names.find((name) => tensors.has(name)) ?? BIAS;
  }
  const name = plainName(parameter);
  const first = name
    .replace(/LayerNorm\.weight$/, 'LayerNorm.gamma')
    .replace(/LayerNorm\.bias$/, 'LayerNorm.beta');
  return tensors.has(first) ? first : name;
}
