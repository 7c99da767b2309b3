/**
 * Exact models of a Markov chain as ONNX graphs that meet the checkpoint contract: `input_ids` int64 [batch, length]
 * (and `sigma` float32 [batch] for duo and gidd) in, `logits` float32 [batch, length, vocab] out, any batch, any length.
 *
 * ar: ln P(x_l → ·). The diffusion families: ln of the leave-one-out posterior p(x_l | z without z_l), by the
 * forward-backward recursion (Rabiner 1989, section III.A) with
 *
 *   emission   e_l(v) = q(z_l | v)          uniform: α[v = z_l] + (1−α)/K      masked: [v = z_l], or 1 where z_l = mask
 *              mixed: the same plus u/(Kα), for a chain of K tokens; at t that is B√(t/(1−t))/K (diffusion/schedule.ts)
 *   forward    f_1 = p(x_1),  f_{l+1} ∝ (f_l ⊙ e_l) P
 *   backward   b_L = 1,       b_{l−1} ∝ (b_l ⊙ e_l) Pᵀ
 *   posterior  ∝ f_l ⊙ b_l: position l's own emission is in neither message
 *
 * At a masked position the emission is constant, so there this is also the posterior given the unmasked tokens, which is
 * what mdlm and sedd predict. Messages are divided by their sum at each step. Everything is a product or a sum of positive
 * float32 numbers, so relative errors do not grow along the sequence.
 *
 * bd3lm: `input_ids` are the noisy text and then the clean one, [batch, 2 · length], in whole blocks. A block sees its own noisy
 * tokens and the clean ones of earlier blocks, of which a chain needs the last: f begins with P(that token → ·), and b ends at the
 * end of the block. Rows of clean tokens repeat those of noisy ones and have no use. The inputs that say which token is which are
 * there, as the contract of the family has it, and not read.
 *
 * The mask token's logit is 0, as if it were certain before normalisation: a head that forgets to leave it out shows. In d3pm,
 * whose softmax keeps it, the mask so has the probability 1/2, and the tokens share the rest.
 */

import { Graph, type Value } from '../../graph/graph.js';
import {
  Add,
  Cast,
  Concat,
  Div,
  Equal,
  Exp,
  Expand,
  Gather,
  Identity,
  Log,
  LogSoftmax,
  LpNormalization,
  MatMul,
  Mul,
  Neg,
  OneHot,
  Reshape,
  Scan,
  Shape,
  Slice,
  Sqrt,
  Sub,
  Tanh,
  Transpose,
  Unsqueeze,
} from '../../graph/operators.js';
import { usesMask } from '../family.js';
import type { MarkovChain } from './markov.js';

export type SourceFamily = 'ar' | 'mdlm' | 'sedd' | 'bd3lm' | 'd3pm' | 'duo' | 'gidd';

/** L′ of the exact models of block diffusion. */
export const SOURCE_BLOCK = 4;
/** p of the noise that the gidd sources know. */
export const SOURCE_UNIFORM_SHARE = 0.2;

/** Width of the logits: the chain's tokens, then the mask if the family has one. */
export function sourceVocabSize(chain: MarkovChain, family: SourceFamily): number {
  return chain.vocabSize + (usesMask(family) ? 1 : 0);
}

/** The exact model of a chain. A sedd graph returns f_v = ln p(v) + ln(K−1), K counting the mask (diffusion/heads/losses.ts). */
export function markovDenoiser(chain: MarkovChain, family: SourceFamily): Graph {
  const graph = Graph.create(`markov-${family}`);
  const ids = graph.input('input_ids', 'int64', ['batch', 'length']);
  const logits = familyLogits(graph, chain, family, ids);
  graph.output(logits, 'logits', ['batch', 'length', sourceVocabSize(chain, family)]);
  return graph;
}

function familyLogits(graph: Graph, chain: MarkovChain, family: SourceFamily, ids: Value): Value {
  const K = chain.vocabSize;
  switch (family) {
    case 'ar':
      return Gather(
        graph.initializer('log_transition', 'float32', [K, K], chain.transition.map(Math.log)),
        ids,
      );
    case 'duo': {
      const sigma = graph.input('sigma', 'float32', ['batch']);
      return logPosterior(graph, chain, ids, uniformEmission(sigma, K));
    }
    case 'gidd': {
      const t = graph.input('sigma', 'float32', ['batch']);
      return withMask(logPosterior(graph, chain, ids, mixedEmission(t, K)));
    }
    case 'mdlm':
      return withMask(logPosterior(graph, chain, ids, maskedEmission(K)));
    case 'bd3lm': {
      for (const name of ['position_ids', 'token_type_ids']) graph.input(name, 'int64', ['batch', 'length']);
      const logits = withMask(blockPosterior(graph, chain, ids));
      return Concat([logits, logits], { axis: 1 });
    }
    case 'd3pm':
      return withMask(LogSoftmax(logPosterior(graph, chain, ids, maskedEmission(K))));
    case 'sedd':
      return withMask(Add(LogSoftmax(logPosterior(graph, chain, ids, maskedEmission(K))), Math.log(K)));
  }
}

/** q(z_l | v) from the one-hot of z, [length, batch, K], and z itself, [length, batch]. */
type Emission = (oneHot: Value, z: Value) => Value;

function uniformEmission(sigma: Value, K: number): Emission {
  // 1 − e^{−σ} = 2τ/(1+τ) with τ = tanh(σ/2), without cancellation for small σ.
  const tau = Tanh(Mul(sigma, 0.5));
  const oneMinusAlpha = Div(Mul(tau, 2), Add(tau, 1));
  const alpha = Unsqueeze(Exp(Neg(sigma)), [1]);
  const noise = Unsqueeze(Div(oneMinusAlpha, K), [1]);
  return (oneHot) => Add(Mul(oneHot, alpha), noise);
}

/** @param t the time, float32 [batch] */
function mixedEmission(t: Value, K: number): Emission {
  const B = (2 * SOURCE_UNIFORM_SHARE) / (1 - SOURCE_UNIFORM_SHARE);
  const noise = Unsqueeze(Mul(Sqrt(Div(t, Sub(1, t))), B / K), [1]);
  const masked = maskedEmission(K);
  return (oneHot, z) => Add(masked(oneHot, z), noise);
}

function maskedEmission(K: number): Emission {
  return (oneHot, z) => Add(oneHot, Cast(Unsqueeze(Equal(z, K), [2]), { to: 'float32' }));
}

/** Every block as a text of its own, whose first token comes after the last clean one of the block before. [batch, length, K] */
function blockPosterior(graph: Graph, chain: MarkovChain, ids: Value): Value {
  const K = chain.vocabSize;
  const batch = Slice(Shape(ids), { starts: [0], ends: [1], axes: [0] });
  const sizes = (...after: number[]) => Concat([batch, graph.constant(after, 'int64')], { axis: 0 });
  // [batch, 2, blocks, L′], noisy and clean
  const blocks = Reshape(ids, sizes(2, -1, SOURCE_BLOCK));
  const noisy = Reshape(half(blocks, 0), [-1, SOURCE_BLOCK]);
  const last = Reshape(
    Slice(half(blocks, 1), { starts: [SOURCE_BLOCK - 1], ends: [SOURCE_BLOCK], axes: [3] }),
    sizes(-1),
  );
  const parameters = parametersOf(graph, chain);
  const arrivals = Concat([Expand(parameters.initial, sizes(1, K)), Gather(parameters.P, last)], { axis: 1 });
  const first = Slice(arrivals, { starts: [0], ends: [-1], axes: [1] });
  const posterior = logPosterior(graph, chain, noisy, maskedEmission(K), parameters, Reshape(first, [-1, K]));
  return Reshape(posterior, sizes(-1, K));
}

/** One of the two texts of [batch, 2, blocks, L′]. */
const half = (blocks: Value, which: 0 | 1): Value =>
  Slice(blocks, { starts: [which], ends: [which + 1], axes: [1] });

/** P [K, K] and p(x_1) [1, K]. */
function parametersOf(graph: Graph, { vocabSize: K, transition, initial }: MarkovChain) {
  return {
    P: graph.initializer('transition', 'float32', [K, K], transition),
    initial: graph.initializer('initial', 'float32', [1, K], initial),
  };
}

/** ln(f_l ⊙ b_l), unnormalised, [batch, length, K]. @param first f_1, by default the chain's */
function logPosterior(
  graph: Graph,
  chain: MarkovChain,
  ids: Value,
  emission: Emission,
  parameters = parametersOf(graph, chain),
  first: Value = parameters.initial,
): Value {
  const K = chain.vocabSize;
  const { P } = parameters;
  const reversedP = Transpose(P, { perm: [1, 0] });
  const z = Transpose(ids, { perm: [1, 0] });
  // An id of K, the mask, lies outside the one-hot's depth and gives a row of zeros.
  const oneHot = OneHot(z, graph.constant(K, 'int64'), graph.constant([0, 1], 'float32'));
  const emissions = emission(oneHot, z);
  const messageShape = Slice(Shape(emissions), { starts: [1], ends: [3], axes: [0] });
  const firstForward = Expand(first, messageShape);
  const lastBackward = Expand(graph.constant([1], 'float32'), messageShape);
  const [, , forward, backward] = Scan(
    'messages',
    [emissions, emissions],
    (f, b, atForward, atBackward) => [
      LpNormalization(MatMul(Mul(f, atForward), P), { p: 1 }),
      LpNormalization(MatMul(Mul(b, atBackward), reversedP), { p: 1 }),
      Identity(f),
      Identity(b),
    ],
    { state: [firstForward, lastBackward], reverse: [false, true], reverseOutputs: [false, true] },
  );
  return logarithm(Transpose(Mul(forward, backward), { perm: [1, 0, 2] }));
}

/** ln x through float64. The runtime's float32 Log computes the last elements of a buffer, or of a thread's share of it,
 *  by another routine: the last bit of a logit would depend on the batch it was in. */
function logarithm(x: Value): Value {
  return Cast(Log(Cast(x, { to: 'float64' })), { to: 'float32' });
}

/** Appends the mask token's logit, 0. */
function withMask(logits: Value): Value {
  const g = logits.graph;
  const shape = Concat(
    [Slice(Shape(logits), { starts: [0], ends: [2], axes: [0] }), g.constant([1], 'int64')],
    {
      axis: 0,
    },
  );
  return Concat([logits, Expand(g.constant([0], 'float32'), shape)], { axis: 2 });
}
