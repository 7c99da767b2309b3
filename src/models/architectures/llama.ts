/**
 * The Llama transformer (Touvron et al., arXiv 2302.13971) as llama2.c has it: root-mean-square normalisation, rotary
 * positions, SwiGLU, no biases, and optionally fewer heads of keys and values than of queries. With cached keys and values as
 * in causal.ts.
 *
 *     each block:   x ← x + attention(RMS(x));   h = RMS(x);  x ← x + (SiLU(h·W₁) ⊙ h·W₃)·W₂
 *     logits = RMS(x)·W, or RMS(x)·Eᵀ where the classifier is tied to the embedding
 */
import type { Graph, Value } from '../../graph/graph.js';
import { Add, Div, Gather, MatMul, Mul, Pow, ReduceMean, Sqrt, Transpose } from '../../graph/operators.js';
import { attendCached, type KeysAndValues } from './attention.js';
import { cachedInputs, cachedOutputs } from './cached-inputs.js';
import type { Dimensions } from './dimensions.js';
import { linear, silu } from './layers.js';
import { type BuildOptions, Network } from './network.js';
import type { Parameter } from './parameters.js';
import { rotation } from './rotary.js';

export interface LlamaDimensions extends Omit<Dimensions, 'conditionSize'> {
  /** Heads of keys and values; divides the number of heads. */
  keyValueHeads: number;
  /** Width of the hidden layer of each block's SwiGLU. */
  mlpSize: number;
  /** The logits use the transposed embedding. */
  tied: boolean;
}

const EPSILON = 1e-5;
const EMBEDDING = 'vocab_embed.embedding';

/** In the order of the forward pass; matrices are [in, out]. */
export function llamaParameters(dimensions: LlamaDimensions): Parameter[] {
  const { hiddenSize: d, heads, keyValueHeads, mlpSize, blocks, vocabSize, tied } = dimensions;
  const narrow = (d / heads) * keyValueHeads;
  const matrix = (name: string, dims: number[], perRow = false): Parameter => ({
    name,
    dims,
    initial: { bound: 1 / Math.sqrt(perRow ? dims[1] : dims[0]) },
    startsAtZero: false,
    transposed: !perRow,
    perRow,
  });
  const norm = (name: string): Parameter => ({
    name: `${name}.weight`,
    dims: [d],
    initial: { value: 1 },
    startsAtZero: false,
    transposed: false,
  });
  const block = (name: string) => [
    norm(`${name}.norm1`),
    matrix(`${name}.attn_q.weight`, [d, d]),
    matrix(`${name}.attn_k.weight`, [d, narrow]),
    matrix(`${name}.attn_v.weight`, [d, narrow]),
    matrix(`${name}.attn_out.weight`, [d, d]),
    norm(`${name}.norm2`),
    matrix(`${name}.mlp.gate.weight`, [d, mlpSize]),
    matrix(`${name}.mlp.up.weight`, [d, mlpSize]),
    matrix(`${name}.mlp.down.weight`, [mlpSize, d]),
  ];
  return [
    matrix(EMBEDDING, [vocabSize, d], true),
    ...Array.from({ length: blocks }, (_, i) => block(`blocks.${i}`)).flat(),
    norm('norm_final'),
    ...(tied ? [] : [matrix('output_layer.linear.weight', [d, vocabSize])]),
  ];
}

/** Meets the checkpoint contract; inputs and outputs as in cachedCausalGraph. */
export function llamaGraph(dimensions: LlamaDimensions, options: BuildOptions = {}): Graph {
  const { hiddenSize: d, heads, keyValueHeads, blocks, vocabSize, tied } = dimensions;
  const parameters = llamaParameters(dimensions);
  const network = Network.create('llama', { ...dimensions, conditionSize: 0 }, parameters, options);
  const { graph } = network;
  const sizes = { blocks, heads, keyValueHeads, headSize: d / heads };
  const { ids, positions, pasts, bias, pastLength } = cachedInputs(graph, sizes);
  const rotate = rotation(network, positions);
  const matrix = (name: string, x: Value) => linear(network, name, x, { bias: false });
  const norm = (name: string, x: Value) => rootMeanSquareNorm(x, network.parameter(`${name}.weight`));
  const embedding = network.parameter(EMBEDDING);
  let x = Gather(embedding, ids);
  const all: KeysAndValues[] = [];
  for (const [i, past] of pasts.entries()) {
    const name = `blocks.${i}`;
    x = graph.scope(name, () => {
      const before = norm(`${name}.norm1`, x);
      const q = rotate(matrix(`${name}.attn_q`, before));
      const k = rotate(matrix(`${name}.attn_k`, before), keyValueHeads);
      const v = matrix(`${name}.attn_v`, before);
      const { attended, added } = attendCached(sizes, { q, k, v }, { past, bias, pastLength });
      all.push(added);
      const between = Add(x, matrix(`${name}.attn_out`, attended));
      const h = norm(`${name}.norm2`, between);
      const gated = Mul(silu(matrix(`${name}.mlp.gate`, h)), matrix(`${name}.mlp.up`, h));
      return Add(between, matrix(`${name}.mlp.down`, gated));
    });
  }
  const logits = graph.scope('output_layer', () => {
    const states = norm('norm_final', x);
    return tied
      ? MatMul(states, Transpose(embedding, { perm: [1, 0] }))
      : matrix('output_layer.linear', states);
  });
  graph.output(logits, 'logits', ['batch', 'length', vocabSize]);
  cachedOutputs(graph, pasts, all, sizes);
  return graph;
}

/** x/√(mean of x² + ε) · weight, over the last axis (Zhang and Sennrich, arXiv 1910.07467). */
function rootMeanSquareNorm(x: Value, weight: Value): Value {
  const meanSquare = ReduceMean(Pow(x, 2), { axes: [-1] });
  return Mul(Div(x, Sqrt(Add(meanSquare, EPSILON))), weight);
}
