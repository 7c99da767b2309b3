/**
 * GPT-2 (Radford et al., 2019): learned positions, layer normalisation with biases before each part of a block, and logits
 * from the transposed embedding. With cached keys and values as in causal.ts.
 *
 *     x = E[ids] + P[positions]
 *     each block:   x ← x + attention(LN(x));   x ← x + MLP(LN(x))
 *     logits = LN(x)·Eᵀ
 */
import type { Graph, Value } from '../../graph/graph.js';
import { Add, Gather, MatMul, Split, Transpose } from '../../graph/operators.js';
import { attendCached, type KeysAndValues } from './attention.js';
import { cachedInputs, cachedOutputs } from './cached-inputs.js';
import { type Dimensions, MLP_RATIO } from './dimensions.js';
import { biasedNorm, linear, multilayerPerceptron } from './layers.js';
import { type BuildOptions, Network } from './network.js';
import type { Parameter } from './parameters.js';

export type Gpt2Dimensions = Omit<Dimensions, 'conditionSize'>;

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

/** Meets the checkpoint contract; inputs and outputs as in cachedCausalGraph. */
export function gpt2Graph(dimensions: Gpt2Dimensions, options: BuildOptions = {}): Graph {
  const { hiddenSize: d, heads, blocks, vocabSize } = dimensions;
  const parameters = gpt2Parameters(dimensions);
  const network = Network.create('gpt2', { ...dimensions, conditionSize: 0 }, parameters, options);
  const { graph } = network;
  const sizes = { blocks, heads, keyValueHeads: heads, headSize: d / heads };
  const { ids, positions, pasts, bias, pastLength } = cachedInputs(graph, sizes);
  const norm = (name: string, x: Value) => biasedNorm(network, name, x);
  const embedding = network.parameter(EMBEDDING);
  let x = Add(Gather(embedding, ids), Gather(network.parameter(POSITIONS), positions));
  const all: KeysAndValues[] = [];
  for (const [i, past] of pasts.entries()) {
    const name = `blocks.${i}`;
    x = graph.scope(name, () => {
      const projected = linear(network, `${name}.attn_qkv`, norm(`${name}.norm1`, x));
      const [q, k, v] = Split(projected, [d, d, d], { axis: 2 });
      const { attended, added } = attendCached(sizes, { q, k, v }, { past, bias, pastLength });
      all.push(added);
      const between = Add(x, linear(network, `${name}.attn_out`, attended));
      return Add(between, multilayerPerceptron(network, `${name}.mlp`, norm(`${name}.norm2`, between)));
    });
  }
  const logits = graph.scope('output_layer', () =>
    MatMul(norm('norm_final', x), Transpose(embedding, { perm: [1, 0] })),
  );
  graph.output(logits, 'logits', ['batch', 'length', vocabSize]);
  cachedOutputs(graph, pasts, all, sizes);
  return graph;
}
