/** Layers that the diffusion transformer and the causal transformer share. x is [batch, length, d] throughout. */
import { FastGelu, Gelu, LayerNormalization } from '../../graph/fused-operators.js';
import type { Value } from '../../graph/graph.js';
import {
  Add,
  Concat,
  Div,
  Erf,
  Gather,
  MatMul,
  Mul,
  ReduceMean,
  Sigmoid,
  Slice,
  Split,
  Sqrt,
  Sub,
  Tanh,
  Unsqueeze,
} from '../../graph/operators.js';
import type { Network } from './network.js';

const EPSILON = 1e-5;

interface NormOptions {
  /** Added to the variance; 1e-5 by default. */
  epsilon?: number;
}

/** Shift and scale of a normalised x, from the time condition: [batch, 1, d] each. */
export interface Modulation {
  shift: Value;
  scale: Value;
}

/** x·W + b; the bias is optional. */
export function linear(network: Network, name: string, x: Value, { bias = true } = {}): Value {
  const product = MatMul(x, network.parameter(`${name}.weight`));
  return bias ? Add(product, network.parameter(`${name}.bias`)) : product;
}

export const embed = (network: Network, ids: Value): Value =>
  Gather(network.parameter('vocab_embed.embedding'), ids);

/** Layer normalisation with a weight and no bias; modulated, LN(x)·w·(1 + scale) + shift (adaLN). The modulation could be
 *  the fused operator's own scale and bias, [batch, 1, d], but WebGPU's kernel takes these by width only. */
export function layerNorm(
  network: Network,
  name: string,
  x: Value,
  modulation?: Modulation,
  { epsilon = EPSILON }: NormOptions = {},
): Value {
  const weight = network.parameter(`${name}.weight`);
  const normalised = network.fused
    ? LayerNormalization(x, weight, { epsilon })
    : plainNorm(x, weight, epsilon);
  return modulation ? Add(Mul(normalised, Add(modulation.scale, 1)), modulation.shift) : normalised;
}

/** Layer normalisation with a weight and a bias. */
export function biasedNorm(
  network: Network,
  name: string,
  x: Value,
  { epsilon = EPSILON }: NormOptions = {},
): Value {
  const [weight, bias] = ['weight', 'bias'].map((part) => network.parameter(`${name}.${part}`));
  return network.fused
    ? LayerNormalization(x, weight, { epsilon, bias })
    : Add(plainNorm(x, weight, epsilon), bias);
}

function plainNorm(x: Value, weight: Value, epsilon: number): Value {
  const centred = Sub(x, ReduceMean(x, { axes: [-1] }));
  const variance = ReduceMean(Mul(centred, centred), { axes: [-1] });
  return Mul(Div(centred, Sqrt(Add(variance, epsilon))), weight);
}

/** Linear, GELU by its tanh approximation, linear. */
export function multilayerPerceptron(network: Network, name: string, x: Value): Value {
  const product = MatMul(x, network.parameter(`${name}.0.weight`));
  const bias = network.parameter(`${name}.0.bias`);
  return linear(network, `${name}.2`, network.fused ? FastGelu(product, bias) : gelu(Add(product, bias)));
}

/** x/2·(1 + tanh(√(2/π)·(x + 0.044715 x³))) (Hendrycks and Gimpel, arXiv 1606.08415). */
function gelu(x: Value): Value {
  const inner = Mul(Mul(x, Math.sqrt(2 / Math.PI)), Add(Mul(Mul(x, x), 0.044715), 1));
  return Mul(Mul(x, 0.5), Add(Tanh(inner), 1));
}

/** GELU by the error function or by tanh. */
export type Activation = 'silu' | 'gelu' | 'gelu-tanh';

export function activation({ fused }: Pick<Network, 'fused'>, kind: Activation, x: Value): Value {
  if (kind === 'silu') return silu(x);
  if (fused) return Gelu(x, { approximate: kind === 'gelu' ? 'none' : 'tanh' });
  return kind === 'gelu' ? Mul(Mul(x, 0.5), Add(Erf(Mul(x, Math.SQRT1_2)), 1)) : gelu(x);
}

/** x·sigmoid(x). */
export const silu = (x: Value): Value => Mul(x, Sigmoid(x));

/** A linear map of the time condition [batch, conditionSize], split into `parts` of [batch, 1, d]. */
export function modulations(network: Network, name: string, condition: Value, parts: number): Value[] {
  const all = Unsqueeze(linear(network, `${name}.adaLN_modulation`, condition), [1]);
  return Split(all, Array(parts).fill(network.dimensions.hiddenSize), { axis: 2 });
}

/** Row i becomes row i − 1, and row 0 stays: [batch, tokens, d]. */
export function oneLater(states: Value): Value {
  const rows = (from: number, to: number) => Slice(states, { starts: [from], ends: [to], axes: [1] });
  return Concat([rows(0, 1), rows(0, -1)], { axis: 1 });
}
