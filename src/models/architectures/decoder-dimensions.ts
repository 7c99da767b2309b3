/** What can differ between decoders of the Llama kind (decoder.ts), and the parameters that follow. */
import { type ErrorDetails, ModelError } from '../../errors.js';
import { blockProblem } from './dimensions.js';
import type { Activation } from './layers.js';
import type { Parameter } from './parameters.js';
import type { RotaryTurn } from './rotary.js';

/** What a token sees: those up to itself; all; or those of its block of n tokens and of earlier blocks. */
export type DecoderAttention = 'causal' | 'full' | { blockCausal: number };

export interface DecoderDimensions {
  /** d: width of the residual stream. */
  hiddenSize: number;
  blocks: number;
  /** Heads of queries. */
  heads: number;
  /** Heads of keys and values; divides the number of heads: each serves several consecutive heads of queries. */
  keyValueHeads: number;
  /** Width of a head; heads · headSize need not be hiddenSize. */
  headSize: number;
  /** Width of the hidden layer of each block's multilayer perceptron. */
  mlpSize: number;
  /** Width of the logits. */
  vocabSize: number;
  /** Rows of the embedding, where they are not `vocabSize`: a mask that is read and never predicted. */
  embeddingRows?: number;
  /** The maximum number of tokens per sequence: rows of the rotary tables, twice as many with blocks. */
  length: number;
  /** The logits use the transposed embedding. */
  tied: boolean;
  attention: DecoderAttention;
  /** Blocks of the network whose tokens see that many tokens, themselves the last, and no earlier one. With causal attention only. */
  window?: { tokens: number; blocks: readonly number[] };
  /** The logits of token i come from the state of token i − 1, those of token 0 from its own. In blocks, those of a block's first token
   *  come from the last clean token before it. Not with causal attention. */
  shift?: boolean;
  /** Root mean square, with a weight; or layer normalisation, with weight and bias. */
  norm: { type: 'rms' | 'layer'; epsilon: number };
  /** Each head's queries and keys pass a root-mean-square norm before they turn. */
  queryKeyNorm?: boolean;
  /** Layers that add a bias; none by default. */
  biases?: { qkv?: boolean; out?: boolean; mlp?: boolean };
  rotary: RotaryTurn;
  /** Of the multilayer perceptron. */
  activation: Activation;
  /** activation(h·W₁) ⊙ h·W₃ instead of activation(h·W₁). */
  gated: boolean;
  /** Attention and perceptron read the same x, each through its own norm (Pythia). */
  parallel?: boolean;
  /** Multiplies embedded tokens (Gemma). */
  embeddingScale?: number;
}

export const EMBEDDING = 'vocab_embed.embedding';
/** The vocabulary matrix of a network that is not tied. */
export const HEAD = 'output_layer.linear';

/**
 * All parameters in the order of the forward pass; matrices are [in, out]. Names:
 *
 *     vocab_embed.embedding
 *     blocks.i.norm1.weight, .bias
 *     blocks.i.attn_q.weight, .bias     also attn_k, attn_v, attn_out
 *     blocks.i.attn_q_norm.weight       also attn_k_norm
 *     blocks.i.norm2.weight, .bias
 *     blocks.i.mlp.gate.weight, .bias   if gated; also mlp.up, mlp.down
 *     norm_final.weight, .bias
 *     output_layer.linear.weight        if not tied
 */
export function decoderParameters(dimensions: DecoderDimensions): Parameter[] {
  const { hiddenSize: d, heads, keyValueHeads, headSize, mlpSize, blocks, vocabSize } = dimensions;
  const { norm, biases = {}, gated, tied, embeddingRows = vocabSize } = dimensions;
  const matrix = (name: string, dims: number[], perRow = false): Parameter => ({
    name,
    dims,
    initial: { bound: 1 / Math.sqrt(perRow ? dims[1] : dims[0]) },
    startsAtZero: false,
    transposed: !perRow,
    perRow,
  });
  const vector = (name: string, width: number, value: number): Parameter => ({
    name,
    dims: [width],
    initial: { value },
    startsAtZero: false,
    transposed: false,
  });
  const normOf = (name: string, { width = d, bias = norm.type === 'layer' } = {}) => [
    vector(`${name}.weight`, width, 1),
    ...(bias ? [vector(`${name}.bias`, width, 0)] : []),
  ];
  const layer = (name: string, from: number, to: number, bias = false) => [
    matrix(`${name}.weight`, [from, to]),
    ...(bias ? [vector(`${name}.bias`, to, 0)] : []),
  ];
  const headNorm = (name: string) =>
    dimensions.queryKeyNorm ? normOf(name, { width: headSize, bias: false }) : [];
  const block = (name: string) => [
    ...normOf(`${name}.norm1`),
    ...layer(`${name}.attn_q`, d, heads * headSize, biases.qkv),
    ...layer(`${name}.attn_k`, d, keyValueHeads * headSize, biases.qkv),
    ...layer(`${name}.attn_v`, d, keyValueHeads * headSize, biases.qkv),
    ...headNorm(`${name}.attn_q_norm`),
    ...headNorm(`${name}.attn_k_norm`),
    ...layer(`${name}.attn_out`, heads * headSize, d, biases.out),
    ...normOf(`${name}.norm2`),
    ...(gated ? layer(`${name}.mlp.gate`, d, mlpSize, biases.mlp) : []),
    ...layer(`${name}.mlp.up`, d, mlpSize, biases.mlp),
    ...layer(`${name}.mlp.down`, mlpSize, d, biases.mlp),
  ];
  return [
    matrix(EMBEDDING, [embeddingRows, d], true),
    ...Array.from({ length: blocks }, (_, i) => block(`blocks.${i}`)).flat(),
    ...normOf('norm_final'),
    ...(tied ? [] : [matrix(`${HEAD}.weight`, [d, vocabSize])]),
  ];
}

/** The card's key `architecture`: from it, with `vocabSize` and `length`, the same network can be built again. */
export const architectureOfDecoder = ({ vocabSize: _, length: __, ...rest }: DecoderDimensions) => ({
  name: 'decoder' as const,
  ...rest,
});

const COUNTS = {
  hiddenSize: 'width',
  blocks: 'number of blocks',
  heads: 'number of heads',
  keyValueHeads: 'number of heads of keys and values',
  headSize: 'width of a head',
  mlpSize: 'width of the perceptron',
  vocabSize: 'vocabulary',
  length: 'length',
} as const;

/** Why a decoder of these dimensions cannot be built, or null. The caller knows whose mistake it is. */
function decoderProblem(dimensions: DecoderDimensions): ErrorDetails | null {
  const impossible = (message: string): ErrorDetails => ({ code: 'bad-dimensions', message });
  for (const [key, name] of Object.entries(COUNTS)) {
    const value = dimensions[key as keyof typeof COUNTS];
    if (Number.isSafeInteger(value) && value > 0) continue;
    return impossible(`The ${name} of a network must be a whole number of at least 1, not ${value}.`);
  }
  const { heads, keyValueHeads, headSize, length, attention, rotary, norm } = dimensions;
  const { tied, shift = false, vocabSize, embeddingRows = vocabSize } = dimensions;
  if (heads % keyValueHeads !== 0) {
    return {
      code: 'heads-do-not-divide',
      message: `${keyValueHeads} heads of keys and values do not divide ${heads} heads of queries.`,
    };
  }
  const turned = rotary.turned ?? headSize;
  if (!Number.isSafeInteger(turned) || turned < 2 || turned % 2 !== 0 || turned > headSize) {
    return {
      code: 'odd-rotary-size',
      message: `Rotary positions turn pairs: of a head of width ${headSize}, an even number of coordinates can turn, not ${turned}.`,
    };
  }
  const positive = { 'theta of rotary positions': rotary.theta, 'epsilon of the norms': norm.epsilon };
  for (const [name, value] of Object.entries(positive)) {
    if (!(Number.isFinite(value) && value > 0))
      return impossible(`The ${name} must be above 0, not ${value}.`);
  }
  const { window } = dimensions;
  if (window && (attention !== 'causal' || !(Number.isSafeInteger(window.tokens) && window.tokens > 0)))
    return impossible('A window is of at least 1 token, with causal attention only.');
  if (shift && attention === 'causal') return impossible('Logits are not shifted with causal attention.');
  if (embeddingRows < vocabSize || (tied && embeddingRows !== vocabSize)) {
    return impossible(
      `An embedding of ${embeddingRows} rows cannot be that of ${vocabSize} logits${tied ? ', tied to it' : ''}.`,
    );
  }
  return typeof attention === 'object' ? blockProblem(attention.blockCausal, length) : null;
}

/** @throws ModelError as decoderProblem says */
export function checkDecoder(dimensions: DecoderDimensions): void {
  const problem = decoderProblem(dimensions);
  if (problem) throw new ModelError(problem);
}
