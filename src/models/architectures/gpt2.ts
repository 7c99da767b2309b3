/**
 * GPT-2 (Radford et al., 2019): learned positions, layer normalisation with biases before each part of a block, and logits
 * from the transposed embedding. With cached keys and values as in causal.ts.
 *
 *     x = E[ids] + P[positions]
 *     each block:   x ← x + attention(LN(x));   x ← x + MLP(LN(x))
 *     logits = LN(x)·Eᵀ
 *
 * DiffuGPT (arXiv 2410.17891) is the same network that sees all tokens, its logits one position later: row i − 1 scores token i.
 */

import { MultiHeadAttention } from '../../graph/fused-operators.js';
import type { Graph, Value } from '../../graph/graph.js';
import { Add, Gather, MatMul, Split, Transpose } from '../../graph/operators.js';
import { attendCached, type KeysAndValues } from './attention.js';
import { cachedInputs, cachedOutputs } from './cached-inputs.js';
import { type Dimensions, MLP_RATIO } from './dimensions.js';
import { sequencePositions } from './dit.js';
import { biasedNorm, linear, multilayerPerceptron, oneLater } from './layers.js';
import { type BuildOptions, Network } from './network.js';
import type { Parameter } from './parameters.js';

export interface Gpt2Dimensions extends Omit<Dimensions, 'conditionSize'> {
  /** By default `causal`. `full` reads whole sequences. */
  attention?: 'causal' | 'full';
  /** The logits of token i come from the state of token i − 1, those of token 0 from its own. */
  shift?: boolean;
}

const EMBEDDING = 'vocab_embed.embedding';
const POSITIONS = 'position_embed.embedding';

/** In the order of the forward pass; matrices are [in, out], as in GPT-2's own files. */
export function gpt2Parameters({ hiddenSize: d, blocks, vocabSize, length }: Gpt2Dimensions): Parameter[] {
  const base = { startsAtZero: false, transposed: false };
  const normal = (name: string, dims: number[], perRow = false): Parameter => ({
    name,
    dims,
    initial: { bound: 0.02 * Math.sqrt(3) },
    ...base,
    perRow,
  });
  const constant = (name: string, width: number, value: number): Parameter => ({
    name,
    dims: [width],
    initial: { value },
    ...base,
  });
  const norm = (name: string) => [constant(`${name}.weight`, d, 1), constant(`${name}.bias`, d, 0)];
  const layer = (name: string, from: number, to: number) => [
    normal(`${name}.weight`, [from, to]),
    constant(`${name}.bias`, to, 0),
  ];
  const block = (name: string) => [
    ...norm(`${name}.norm1`),
    ...layer(`${name}.attn_qkv`, d, 3 * d),
    ...layer(`${name}.attn_out`, d, d),
    ...norm(`${name}.norm2`),
    ...layer(`${name}.mlp.0`, d, MLP_RATIO * d),
    ...layer(`${name}.mlp.2`, MLP_RATIO * d, d),
  ];
  return [
    normal(EMBEDDING, [vocabSize, d], true),
    normal(POSITIONS, [length, d], true),
    ...Array.from({ length: blocks }, (_, i) => block(`blocks.${i}`)).flat(),
    ...norm('norm_final'),
  ];
}

/** Attention of a block: q, k and v [batch, length, d]. */
type Attend = (qkv: { q: Value; k: Value; v: Value }, block: number) => Value;

/** Meets the checkpoint contract: inputs and outputs as in cachedCausalGraph, or `input_ids` alone where all tokens are seen. */
export function gpt2Graph(dimensions: Gpt2Dimensions, options: BuildOptions = {}): Graph {
  const { heads, blocks, hiddenSize } = dimensions;
  const parameters = gpt2Parameters(dimensions);
  const network = Network.create('gpt2', { ...dimensions, conditionSize: 0 }, parameters, options);
  const { graph } = network;
  if (dimensions.attention === 'full') {
    const ids = graph.input('input_ids', 'int64', ['batch', 'length']);
    const attend: Attend = ({ q, k, v }) => MultiHeadAttention(q, k, v, { heads, unidirectional: false });
    outputLogits(network, dimensions, { ids, positions: sequencePositions(ids), attend });
    return graph;
  }
  const sizes = { blocks, heads, keyValueHeads: heads, headSize: hiddenSize / heads };
  const { ids, positions, pasts, bias, pastLength } = cachedInputs(graph, sizes);
  const all: KeysAndValues[] = [];
  const attend: Attend = (qkv, i) => {
    const { attended, added } = attendCached(sizes, qkv, { past: pasts[i], bias, pastLength });
    all.push(added);
    return attended;
  };
  outputLogits(network, dimensions, { ids, positions, attend });
  cachedOutputs(graph, pasts, all, sizes);
  return graph;
}

/** @param ids, positions int64 [batch, length] */
function outputLogits(
  network: Network,
  { hiddenSize: d, blocks, vocabSize, shift = false }: Gpt2Dimensions,
  { ids, positions, attend }: { ids: Value; positions: Value; attend: Attend },
): void {
  const { graph } = network;
  const norm = (name: string, x: Value) => biasedNorm(network, name, x);
  const embedding = network.parameter(EMBEDDING);
  let x = Add(Gather(embedding, ids), Gather(network.parameter(POSITIONS), positions));
  for (let i = 0; i < blocks; i++) {
    const name = `blocks.${i}`;
    x = graph.scope(name, () => {
      const projected = linear(network, `${name}.attn_qkv`, norm(`${name}.norm1`, x));
      const [q, k, v] = Split(projected, [d, d, d], { axis: 2 });
      const between = Add(x, linear(network, `${name}.attn_out`, attend({ q, k, v }, i)));
      return Add(between, multilayerPerceptron(network, `${name}.mlp`, norm(`${name}.norm2`, between)));
    });
  }
  const logits = graph.scope('output_layer', () => {
    const states = norm('norm_final', x);
    return MatMul(shift ? oneLater(states) : states, Transpose(embedding, { perm: [1, 0] }));
  });
  graph.output(logits, 'logits', ['batch', 'length', vocabSize]);
}
