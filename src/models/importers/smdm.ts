/**
 * SMDM (arXiv 2410.18514): a ladder of masked diffusion models and of autoregressive ones of the same sizes, in lit-gpt's names. Its files
 * are bare safetensors, `mdm-170M-100e18.safetensors` or `ar-170M-100e18.safetensors`: the number of heads, which no tensor shows, is
 * that of the ladder's model of the same width and depth. The embedding of a masked model has one row more than its logits: the mask.
 */
import { ModelError } from '../../errors.js';
import type { DecoderDimensions } from '../architectures/decoder-dimensions.js';
import type { Parameter } from '../architectures/parameters.js';
import type { Card } from '../card.js';
import { decoderImport, type NameTable, nameBy, type Place } from './decoder-import.js';
import { blocksIn, type ImportedModel, matrixSizes } from './imported-model.js';
import type { PublishedLayout, PublishedModel } from './published-layout.js';
import { specialTokens } from './special-tokens.js';
import { lengthOf, TransformersConfig } from './transformers-config.js';

const TOGETHER = 'attn.attn';
const NAMES: NameTable = {
  'vocab_embed.embedding': 'transformer.wte.weight',
  norm1: 'norm_1',
  attn_q: TOGETHER,
  attn_k: TOGETHER,
  attn_v: TOGETHER,
  attn_out: 'attn.proj',
  norm2: 'norm_2',
  'mlp.gate': 'mlp.swiglu.w1',
  'mlp.up': 'mlp.swiglu.w2',
  'mlp.down': 'mlp.swiglu.w3',
  norm_final: 'transformer.ln_f',
  'output_layer.linear': 'lm_head',
};
const BLOCKS = 'transformer.h.';
const EMBEDDING = NAMES['vocab_embed.embedding'];
const FIRST_ATTENTION = `${BLOCKS}0.${TOGETHER}.weight`;
const theirName = nameBy(NAMES, (index) => `${BLOCKS}${index}.`);

const LENGTH = 2048;

/** The ladder (lit_gpt/config.py): millions of parameters without embeddings, blocks, width, heads. */
const LADDER: readonly (readonly [millions: number, blocks: number, width: number, heads: number])[] = [
  [6, 6, 256, 4],
  [19, 8, 384, 6],
  [34, 8, 512, 8],
  [48, 9, 576, 9],
  [66, 10, 640, 10],
  [75, 16, 640, 8],
  [85, 13, 640, 10],
  [113, 12, 768, 12],
  [142, 15, 768, 12],
  [170, 18, 768, 12],
  [180, 14, 896, 14],
  [206, 16, 896, 14],
  [231, 18, 896, 14],
  [268, 16, 1024, 16],
  [302, 18, 1024, 16],
  [336, 20, 1024, 16],
  [472, 18, 1280, 10],
  [551, 21, 1280, 10],
  [571, 18, 1408, 11],
  [629, 24, 1280, 10],
  [666, 21, 1408, 11],
  [717, 19, 1536, 12],
  [761, 24, 1408, 11],
  [831, 22, 1536, 12],
  [944, 25, 1536, 12],
  [1028, 20, 1792, 14],
  [1233, 24, 1792, 14],
  [1476, 22, 2048, 16],
  [1678, 25, 2048, 16],
  [2121, 28, 2176, 17],
];

export const smdmLayout: PublishedLayout = {
  description: 'SMDM by lit-gpt (transformer.h.0.attn.attn.weight)',
  recognises: ({ tensors }) => tensors.has(FIRST_ATTENTION) && tensors.has(EMBEDDING),
  read: smdmModel,
};

/** @throws ModelError naming the tensors, or what contradicts them */
function smdmModel(model: PublishedModel): ImportedModel {
  const { where, tensors, overrides } = model;
  const config = model.config && TransformersConfig.of(model);
  const [embeddingRows, hiddenSize] = matrixSizes(where, tensors, EMBEDDING);
  const [vocabSize] = matrixSizes(where, tensors, `${NAMES['output_layer.linear']}.weight`);
  const [mlpSize] = matrixSizes(where, tensors, `${BLOCKS}0.${NAMES['mlp.gate']}.weight`);
  const blocks = blocksIn(tensors, BLOCKS);
  config?.checkSizes({
    n_embd: hiddenSize,
    n_layer: blocks,
    intermediate_size: mlpSize,
    padded_vocab_size: vocabSize,
  });
  config?.refuse(['bias', 'parallel_residual', 'shared_attention_norm'], 'this network has none');
  const heads = overrides.heads ?? config?.count('n_head') ?? headsByLadder(model, blocks, hiddenSize);
  const headSize = hiddenSize / heads;
  if (!Number.isSafeInteger(headSize)) {
    throw new ModelError({
      code: 'heads-do-not-divide',
      message: `${where}: ${heads} heads do not divide the width ${hiddenSize}.`,
      hint: 'Give --heads.',
    });
  }
  const keyValueHeads = config?.count('n_query_groups', heads) ?? heads;
  const [rows] = matrixSizes(where, tensors, FIRST_ATTENTION);
  if (config && (heads + 2 * keyValueHeads) * headSize !== rows)
    throw config.contradiction('n_query_groups', keyValueHeads, (rows / headSize - heads) / 2);
  const { length, notices } = config
    ? lengthOf(config, model, LENGTH, 'block_size')
    : { length: overrides.length ?? LENGTH, notices: [] };
  const masked = embeddingRows === vocabSize + 1;
  const dimensions: DecoderDimensions = {
    ...{ hiddenSize, blocks, heads, keyValueHeads, headSize, mlpSize, vocabSize, length },
    ...(masked && { embeddingRows }),
    tied: false,
    attention: masked ? 'full' : 'causal',
    norm: { type: 'rms', epsilon: config?.positive('norm_eps', 1e-5) ?? 1e-5 },
    rotary: { theta: 10_000, bfloat16: true },
    activation: 'silu',
    gated: true,
  };
  const { maskTokenId: _, ...special } = specialTokens('ar', vocabSize, model.tokenizer).card;
  const card: Card = masked
    ? { family: 'mdlm', ...special, maskTokenId: vocabSize }
    : { family: 'ar', ...special };
  return decoderImport(model, {
    dimensions,
    placeOf: (parameter) => placeOf(parameter, dimensions),
    card,
    notices,
  });
}

/** @throws ModelError `unknown-size`, `name-contradicts-tensors` */
function headsByLadder({ where }: PublishedModel, blocks: number, width: number): number {
  const found = LADDER.find((each) => each[1] === blocks && each[2] === width);
  if (!found) {
    throw new ModelError({
      code: 'unknown-size',
      message: `${where}: the ladder of SMDM has no model of ${blocks} blocks and width ${width}, and no tensor shows the number of heads.`,
      hint: 'Give --heads.',
    });
  }
  const millions = /(?:^|[\\/])(?:ar|mdm)-(\d{1,5})M\b[^\\/]*$/.exec(where)?.[1];
  if (millions !== undefined && Number(millions) !== found[0]) {
    throw new ModelError({
      code: 'name-contradicts-tensors',
      message: `${where} is called a model of ${millions} million parameters, but its tensors are those of ${found[0]} million: ${blocks} blocks of width ${width}.`,
      hint: 'The file is another one than its name says: get it again.',
    });
  }
  return found[3];
}

const PARTS = ['attn_q', 'attn_k', 'attn_v'];

/** Of each group in turn the rows of its heads of queries, of its key and of its value. */
function placeOf(
  parameter: Parameter,
  { hiddenSize, heads, keyValueHeads, headSize }: DecoderDimensions,
): Place {
  const name = theirName(parameter);
  const part = PARTS.findIndex((each) => parameter.name.includes(`.${each}.`));
  if (part < 0) return { name };
  const perGroup = heads / keyValueHeads;
  const rows = Array.from({ length: keyValueHeads }, (_, group) => {
    const start = group * (perGroup + 2) * headSize;
    const from = start + (part === 0 ? 0 : perGroup + part - 1) * headSize;
    return [from, from + (part === 0 ? perGroup : 1) * headSize] as const;
  });
  return { name, shape: [(heads + 2 * keyValueHeads) * headSize, hiddenSize], rows };
}
