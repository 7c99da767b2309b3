/**
 * ModernBERT (Warner et al., arXiv 2412.13663) as a denoiser. What differs from BERT: layer normalisation before each part of a
 * block, but for the first; rotary positions; a gated perceptron; and most blocks see a window of the text only, with rotary
 * positions of a base of their own. No input tells it a noise level.
 *
 *     x = LN(E[ids])
 *     each block:   h = LN(x);   x ← x + attention(turn(h·Q), turn(h·K), h·V)·O
 *                   h = LN(x);   x ← x + (act(h·W₁) ⊙ h·W₃)·W₂
 *     logits = LN(act(LN(x)·W))·Eᵀ + b
 */
import type { Graph, Value } from '../../graph/graph.js';
import { Add, Gather, Mul, Shape, Split } from '../../graph/operators.js';
import { attend, localBias } from './attention.js';
import {
  type EncoderDimensions,
  embedded,
  encoderNetwork,
  maskedHeadParameters,
  outputMaskedHead,
  parametersOf,
} from './bert.js';
import { sequencePositions } from './dit.js';
import { type Activation, activation, biasedNorm, layerNorm, linear } from './layers.js';
import type { BuildOptions } from './network.js';
import type { Parameter } from './parameters.js';
import { rotationOf } from './rotary.js';

export interface ModernBertDimensions extends EncoderDimensions {
  /** For each block: whether it sees only tokens at most `reach` from a token, or all. */
  isLocal: readonly boolean[];
  /** Tokens seen on either side in local blocks. */
  reach: number;
  /** Bases of the rotary positions. */
  theta: { global: number; local: number };
  /** Layers that add a bias. */
  biases: { norm: boolean; attention: boolean; mlp: boolean; dense: boolean; head: boolean };
  /** Of the head; that of the blocks is `activation`. */
  headActivation: Activation;
}

/** In the order of the forward pass. The first block has no `norm1`: its input is normalised by `norm_embed`. */
export function modernBertParameters(dimensions: ModernBertDimensions): Parameter[] {
  const { hiddenSize: d, blocks, mlpSize, vocabSize, biases } = dimensions;
  const { embedding, linear: layer } = parametersOf;
  const norm = (name: string) => parametersOf.norm(name, d, { bias: biases.norm });
  const block = (name: string, i: number) => [
    ...(i === 0 ? [] : norm(`${name}.norm1`)),
    ...layer(`${name}.attn_qkv`, d, 3 * d, { bias: biases.attention }),
    ...layer(`${name}.attn_out`, d, d, { bias: biases.attention }),
    ...norm(`${name}.norm2`),
    ...layer(`${name}.mlp.0`, d, 2 * mlpSize, { bias: biases.mlp }),
    ...layer(`${name}.mlp.2`, mlpSize, d, { bias: biases.mlp }),
  ];
  return [
    ...embedding('vocab_embed', vocabSize, d),
    ...norm('norm_embed'),
    ...Array.from({ length: blocks }, (_, i) => block(`blocks.${i}`, i)).flat(),
    ...norm('norm_final'),
    ...layer('head.dense', d, d, { bias: biases.dense }),
    ...norm('head.norm'),
    ...maskedHeadParameters(dimensions, { bias: biases.head }),
  ];
}

/** Meets the checkpoint contract: `input_ids` → `logits`. */
export function modernBertGraph(dimensions: ModernBertDimensions, options: BuildOptions = {}): Graph {
  const { hiddenSize: d, heads, length, epsilon, isLocal, reach, theta, biases, mlpSize } = dimensions;
  const network = encoderNetwork('modernbert', dimensions, modernBertParameters(dimensions), options);
  const { graph } = network;
  const norm = (name: string, x: Value) =>
    biases.norm
      ? biasedNorm(network, name, x, { epsilon })
      : layerNorm(network, name, x, undefined, { epsilon });
  const ids = graph.input('input_ids', 'int64', ['batch', 'length']);
  const positions = sequencePositions(ids);
  const turned = (base: number) =>
    rotationOf(network, positions, { heads, size: d / heads, tokens: length, turn: { theta: base } });
  const local = isLocal.includes(true)
    ? { rotate: turned(theta.local), bias: localBias(Gather(Shape(ids), 1), reach) }
    : null;
  const global = { rotate: turned(theta.global), bias: null };
  let x = norm('norm_embed', embedded(network, ids));
  for (let i = 0; i < dimensions.blocks; i++) {
    const name = `blocks.${i}`;
    const { rotate, bias } = (isLocal[i] ? local : null) ?? global;
    x = graph.scope(name, () => {
      const before = i === 0 ? x : norm(`${name}.norm1`, x);
      const qkv = linear(network, `${name}.attn_qkv`, before, { bias: biases.attention });
      const [q, k, v] = Split(qkv, [d, d, d], { axis: 2 });
      const attended = attend(network, { q: rotate(q), k: rotate(k), v }, { bias });
      const between = Add(x, linear(network, `${name}.attn_out`, attended, { bias: biases.attention }));
      const wide = linear(network, `${name}.mlp.0`, norm(`${name}.norm2`, between), { bias: biases.mlp });
      const [h, gate] = Split(wide, [mlpSize, mlpSize], { axis: 2 });
      const hidden = Mul(activation(network, dimensions.activation, h), gate);
      return Add(between, linear(network, `${name}.mlp.2`, hidden, { bias: biases.mlp }));
    });
  }
  const head = { ...dimensions, activation: dimensions.headActivation };
  const heads_ = { norm, dense: { bias: biases.dense }, bias: biases.head };
  outputMaskedHead(network, head, norm('norm_final', x), heads_);
  return graph;
}
