/**
 * GPT-2 from its hub form: `wte.weight`, `h.0.attn.c_attn.weight` …, with or without `transformer.` before them. DiffuGPT
 * (arXiv 2410.17891) is GPT-2 made a masked diffusion model, under names of its own: `embed_tokens.weight`,
 * `denoise_model.h.0.attn.c_attn.weight` …
 */
import { ModelError } from '../../errors.js';
import { type Gpt2Dimensions, gpt2Graph, gpt2Parameters } from '../architectures/gpt2.js';
import type { Card } from '../card.js';
import { blocksIn, checkTensors, type ImportedModel, matrixSizes, namedSource } from './imported-model.js';
import { maskTokenOf, type PublishedLayout, type PublishedModel } from './published-layout.js';
import type { Source } from './source.js';
import { specialTokens } from './special-tokens.js';
import type { StoredTensors } from './stored-tensor.js';

const EMBEDDING = 'wte.weight';
const PREFIXES = ['', 'transformer.', 'model.transformer.', 'module.transformer.'];
/** Every published size has heads of this width. */
const HEAD_SIZE = 64;

/** Our name, and the name in GPT-2's files. */
const NAMES: readonly [ours: string, theirs: string][] = [
  ['vocab_embed.embedding', EMBEDDING],
  ['position_embed.embedding', 'wpe.weight'],
  ['norm_final', 'ln_f'],
  ['norm1', 'ln_1'],
  ['norm2', 'ln_2'],
  ['attn_qkv', 'attn.c_attn'],
  ['attn_out', 'attn.c_proj'],
  ['mlp.0', 'mlp.c_fc'],
  ['mlp.2', 'mlp.c_proj'],
];

/** The prefix of the names of the network's tensors; null when the file holds no GPT-2. */
function gpt2Prefix(tensors: StoredTensors): string | null {
  const has = (prefix: string) => tensors.has(prefix + EMBEDDING) && tensors.has(`${prefix}wpe.weight`);
  return PREFIXES.find(has) ?? null;
}

export const gpt2Layout: PublishedLayout = {
  description: 'GPT-2 (wte.weight, h.0.attn.c_attn.weight)',
  recognises: ({ tensors }) => gpt2Prefix(tensors) !== null,
  read: gpt2Model,
};

const DIFFUGPT = { prefix: 'denoise_model.', embedding: 'embed_tokens.weight' };

/** Its masks see all tokens, row i − 1 scores token i, and the first token is never masked. Its files do not say which token the mask is. */
export const diffuGptLayout: PublishedLayout = {
  description: 'DiffuGPT (embed_tokens.weight, denoise_model.wpe.weight)',
  recognises: ({ tensors }) => tensors.has(DIFFUGPT.embedding) && tensors.has(`${DIFFUGPT.prefix}wpe.weight`),
  read: (model) => {
    const { dimensions, special, ...network } = gpt2Network(model, DIFFUGPT);
    const { vocabSize } = dimensions;
    const maskTokenId = maskTokenOf(model, vocabSize, maskOfConfig(model.config, vocabSize));
    return importOf(
      model,
      network,
      { ...dimensions, attention: 'full', shift: true },
      {
        family: 'mdlm',
        ...special,
        maskTokenId,
        neverMasked: [0],
      },
    );
  },
};

/** @throws ModelError naming the tensors, or an unsupported setting of the configuration */
function gpt2Model(model: PublishedModel): ImportedModel {
  const prefix = gpt2Prefix(model.tensors) ?? '';
  const { dimensions, special, ...network } = gpt2Network(model, { prefix, embedding: prefix + EMBEDDING });
  return importOf(model, network, dimensions, { family: 'ar', ...special });
}

/** The names of a file: what stands before those of the network, and the embedding's. */
interface Names {
  prefix: string;
  embedding: string;
}

function gpt2Network(
  { where, tensors, config, tokenizer, overrides }: PublishedModel,
  { prefix, embedding }: Names,
): Names & { dimensions: Gpt2Dimensions; special: Card } {
  const [vocabSize, hiddenSize] = matrixSizes(where, tensors, embedding);
  const [length] = matrixSizes(where, tensors, `${prefix}wpe.weight`);
  const blocks = blocksIn(tensors, `${prefix}h.`);
  if (config)
    checkConfig(config, { vocab_size: vocabSize, n_embd: hiddenSize, n_layer: blocks, n_positions: length });
  const configured = config?.json.n_head;
  const heads =
    overrides.heads ??
    (typeof configured === 'number' ? configured : Math.max(1, Math.round(hiddenSize / HEAD_SIZE)));
  if (!Number.isSafeInteger(heads) || heads < 1 || hiddenSize % heads !== 0) {
    throw new ModelError({
      code: 'heads-do-not-divide',
      message: `${where}: ${heads} heads do not divide the width ${hiddenSize}.`,
      hint: 'Correct n_head in its config.json, or give --heads.',
    });
  }
  const { maskTokenId: _, ...special } = specialTokens('ar', vocabSize, tokenizer).card;
  return {
    ...{ prefix, embedding },
    dimensions: { hiddenSize, blocks, heads, vocabSize, length },
    special: { ...idsOf(config, vocabSize), ...special },
  };
}

/** @param card its family and tokens   @throws ModelError `tensors-do-not-fit` */
function importOf(
  { where, tensors }: PublishedModel,
  { prefix, embedding }: Names,
  dimensions: Gpt2Dimensions,
  card: Card,
): ImportedModel {
  const parameters = gpt2Parameters(dimensions);
  const nameOf = ({ name }: { name: string }) =>
    theirName(name) === EMBEDDING ? embedding : prefix + theirName(name);
  const expected = parameters.map((parameter) => ({ name: nameOf(parameter), shape: parameter.dims }));
  checkTensors(where, expected, tensors, isBuffer);
  const { vocabSize, length, ...rest } = dimensions;
  return {
    parameters,
    graph: (options) => gpt2Graph(dimensions, options),
    source: namedSource(tensors, nameOf, false),
    card: {
      ...card,
      vocabSize,
      length,
      timeConditioning: false,
      architecture: { name: 'gpt2', ...rest },
    },
    notices: [],
  };
}

function theirName(ours: string): string {
  let name = ours.replace(/^blocks\./, 'h.');
  for (const [from, to] of NAMES) name = name.replace(from, to);
  return name;
}

/** Masks that PyTorch stores with the weights, and the output matrix, if it is stored although it equals the embedding. */
const isBuffer = (name: string): boolean => /(^|\.)(attn\.(bias|masked_bias)|lm_head\.weight)$/.test(name);

/** The settings of a configuration that are supported here. */
const BUILT: Readonly<Record<string, readonly unknown[]>> = {
  activation_function: ['gelu_new', 'gelu_pytorch_tanh', 'gelu_fast'],
  layer_norm_epsilon: [1e-5],
  scale_attn_weights: [true],
  scale_attn_by_inverse_layer_idx: [false],
  tie_word_embeddings: [true],
  add_cross_attention: [false],
};

function checkConfig({ path, json }: NonNullable<Source['config']>, sizes: Record<string, number>): void {
  for (const [key, size] of Object.entries(sizes)) {
    if (json[key] === undefined || json[key] === size) continue;
    throw new ModelError({
      code: 'config-contradicts-tensors',
      message: `${path} says ${key} is ${JSON.stringify(json[key])}, but the tensors say ${size}.`,
      hint: 'The configuration is of another model: put the right one beside the weights.',
    });
  }
  for (const [key, values] of Object.entries(BUILT)) {
    if (json[key] === undefined || json[key] === null || values.includes(json[key])) continue;
    throw new ModelError({
      code: 'unknown-architecture',
      message: `${path} asks for ${key} ${JSON.stringify(json[key])}, which the GPT-2 that is known here does not have.`,
      hint: `It is built with ${key} ${JSON.stringify(values[0])}. Export this model to ONNX instead.`,
    });
  }
}

function maskOfConfig(config: Source['config'], vocabSize: number): number | undefined {
  const id = config?.json.mask_token_id;
  return typeof id === 'number' && Number.isSafeInteger(id) && id >= 0 && id < vocabSize ? id : undefined;
}

function idsOf(config: Source['config'], vocabSize: number): Pick<Card, 'bosTokenId' | 'eosTokenId'> {
  const id = (key: string) => {
    const value = config?.json[key];
    return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < vocabSize
      ? (value as number)
      : undefined;
  };
  const [bosTokenId, eosTokenId] = [id('bos_token_id'), id('eos_token_id')];
  return { ...(bosTokenId !== undefined && { bosTokenId }), ...(eosTokenId !== undefined && { eosTokenId }) };
}
