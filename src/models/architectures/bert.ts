/**
 * BERT (Devlin et al., arXiv 1810.04805) as a denoiser: every token sees all others, learned positions, and layer normalisation
 * after each part of a block. No input tells it a noise level.
 *
 *     x = LN(E[ids] + T[0] + P[positions])          T: token types, of which plain text has the first
 *     each block:   x ← LN(x + attention(x));   x ← LN(x + MLP(x))
 *     logits = LN(act(x·W))·Eᵀ + b
 */
import type { Graph, Value } from '../../graph/graph.js';
import { Add, Gather, MatMul, Range, Shape, Transpose } from '../../graph/operators.js';
import { attend } from './attention.js';
import { type Activation, activation, biasedNorm, linear } from './layers.js';
import { type BuildOptions, Network } from './network.js';
import type { Parameter } from './parameters.js';

/** What the encoders have in common. */
export interface EncoderDimensions {
  /** d: width of the residual stream. */
  hiddenSize: number;
  blocks: number;
  heads: number;
  /** Width of the hidden layer of each block's multilayer perceptron. */
  mlpSize: number;
  /** Width of the logits, and rows of the embedding. */
  vocabSize: number;
  /** The maximum number of tokens per sequence: rows of learned positions or of rotary tables. */
  length: number;
  /** Added to the variance in layer normalisation. */
  epsilon: number;
  activation: Activation;
  /** The logits use the transposed embedding. */
  tied: boolean;
}

export interface BertDimensions extends EncoderDimensions {
  /** Rows of the embedding of token types. */
  types: number;
}

const EMBEDDING = 'vocab_embed.embedding';
const POSITIONS = 'position_embed.embedding';
const TYPES = 'type_embed.embedding';
const HEAD = 'output_layer.linear';

/** Parameters by name: of embeddings, of linear layers [in, out], and of layer normalisation. */
export const parametersOf = {
  embedding: (name: string, rows: number, width: number): Parameter[] => [
    { ...START, name: `${name}.embedding`, dims: [rows, width], initial: { bound: 0.02 }, perRow: true },
  ],
  linear: (name: string, from: number, to: number, { bias = true } = {}): Parameter[] => [
    {
      ...START,
      name: `${name}.weight`,
      dims: [from, to],
      initial: { bound: 1 / Math.sqrt(from) },
      transposed: true,
    },
    ...(bias ? [{ ...START, name: `${name}.bias`, dims: [to], initial: { value: 0 } }] : []),
  ],
  norm: (name: string, width: number, { bias = true } = {}): Parameter[] => [
    { ...START, name: `${name}.weight`, dims: [width], initial: { value: 1 } },
    ...(bias ? [{ ...START, name: `${name}.bias`, dims: [width], initial: { value: 0 } }] : []),
  ],
};
const START = { startsAtZero: false, transposed: false };

/** In the order of the forward pass. */
export function bertParameters(dimensions: BertDimensions): Parameter[] {
  const { hiddenSize: d, blocks, mlpSize, vocabSize, length, types } = dimensions;
  const { embedding, linear: layer, norm } = parametersOf;
  const block = (name: string) => [
    ...['attn_q', 'attn_k', 'attn_v', 'attn_out'].flatMap((part) => layer(`${name}.${part}`, d, d)),
    ...norm(`${name}.norm1`, d),
    ...layer(`${name}.mlp.0`, d, mlpSize),
    ...layer(`${name}.mlp.2`, mlpSize, d),
    ...norm(`${name}.norm2`, d),
  ];
  return [
    ...embedding('vocab_embed', vocabSize, d),
    ...embedding('position_embed', length, d),
    ...embedding('type_embed', types, d),
    ...norm('norm_embed', d),
    ...Array.from({ length: blocks }, (_, i) => block(`blocks.${i}`)).flat(),
    ...layer('head.dense', d, d),
    ...norm('head.norm', d),
    ...maskedHeadParameters(dimensions),
  ];
}

/** The vocabulary matrix, if it is not the embedding, and its bias. */
export const maskedHeadParameters = (
  { hiddenSize, vocabSize, tied }: EncoderDimensions,
  { bias = true } = {},
): Parameter[] =>
  parametersOf
    .linear(HEAD, hiddenSize, vocabSize, { bias })
    .filter(({ name }) => !(tied && name === `${HEAD}.weight`));

/** Meets the checkpoint contract: `input_ids` → `logits`. */
export function bertGraph(dimensions: BertDimensions, options: BuildOptions = {}): Graph {
  const network = encoderNetwork('bert', dimensions, bertParameters(dimensions), options);
  const { graph } = network;
  const norm = (name: string, x: Value) => biasedNorm(network, name, x, dimensions);
  const layer = (name: string, x: Value) => linear(network, name, x);
  const ids = graph.input('input_ids', 'int64', ['batch', 'length']);
  const positions = Gather(network.parameter(POSITIONS), Range(0, Gather(Shape(ids), 1), 1)); // [length, d]
  const typed = Add(embedded(network, ids), Gather(network.parameter(TYPES), 0));
  let x = norm('norm_embed', Add(typed, positions));
  for (let i = 0; i < dimensions.blocks; i++) {
    const name = `blocks.${i}`;
    x = graph.scope(name, () => {
      const [q, k, v] = ['q', 'k', 'v'].map((part) => layer(`${name}.attn_${part}`, x));
      const attended = layer(`${name}.attn_out`, attend(network, { q, k, v }));
      const between = norm(`${name}.norm1`, Add(x, attended));
      const hidden = activation(network, dimensions.activation, layer(`${name}.mlp.0`, between));
      return norm(`${name}.norm2`, Add(between, layer(`${name}.mlp.2`, hidden)));
    });
  }
  outputMaskedHead(network, dimensions, x, { norm });
  return graph;
}

export const embedded = (network: Network, ids: Value): Value => Gather(network.parameter(EMBEDDING), ids);

export const encoderNetwork = (
  name: string,
  dimensions: EncoderDimensions,
  parameters: readonly Parameter[],
  options: BuildOptions,
): Network => Network.create(name, { ...dimensions, conditionSize: 0 }, parameters, options);

/** The head of masked language models, on the states [batch, length, d]. */
export function outputMaskedHead(
  network: Network,
  { tied, vocabSize, activation: kind }: EncoderDimensions,
  states: Value,
  {
    norm,
    dense = {},
    bias = true,
  }: { norm: (name: string, x: Value) => Value; dense?: { bias?: boolean }; bias?: boolean },
): void {
  const { graph } = network;
  const logits = graph.scope('output_layer', () => {
    const hidden = norm('head.norm', activation(network, kind, linear(network, 'head.dense', states, dense)));
    if (!tied) return linear(network, HEAD, hidden, { bias });
    const product = MatMul(hidden, Transpose(network.parameter(EMBEDDING), { perm: [1, 0] }));
    return bias ? Add(product, network.parameter(`${HEAD}.bias`)) : product;
  });
  graph.output(logits, 'logits', ['batch', 'length', vocabSize]);
}
