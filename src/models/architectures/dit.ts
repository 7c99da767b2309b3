/**
 * The diffusion transformer (Peebles and Xie, arXiv 2212.09748) as SEDD, MDLM and Duo use it for text: a bidirectional
 * transformer over noisy tokens that reads the noise level σ through adaptive layer normalisation.
 *
 *     c = SiLU(MLP(sinusoids(σ)))
 *     x = E[z]
 *     each block:   x ← x + g₁ ⊙ attention(LN(x)·(1 + s₁) + b₁)
 *                   x ← x + g₂ ⊙ MLP(LN(x)·(1 + s₂) + b₂)         b, s, g: linear in c
 *     logits = linear(LN(x)·(1 + s) + b)
 */
import type { Graph, Value } from '../../graph/graph.js';
import {
  Add,
  Concat,
  Cos,
  Expand,
  Gather,
  Mul,
  Range,
  Shape,
  Sin,
  Unsqueeze,
} from '../../graph/operators.js';
import { selfAttention } from './attention.js';
import { checkDimensions, type Dimensions } from './dimensions.js';
import { biasedNorm, embed, layerNorm, linear, modulations, multilayerPerceptron, silu } from './layers.js';
import { type BuildOptions, Network } from './network.js';
import { FREQUENCY_SIZE, networkParameters, type Parameter } from './parameters.js';
import { type Rotation, rotation } from './rotary.js';

/** Longest period of the sinusoids of σ. */
const LONGEST_PERIOD = 10_000;

/** The network as a checkpoint: `input_ids`, `sigma` → `logits`, any batch, any length up to the network's.
 *  @throws ModelError when there can be no network of these dimensions */
export function ditGraph(dimensions: Dimensions, options: BuildOptions = {}): Graph {
  checkDimensions(dimensions);
  const network = Network.create('dit', dimensions, networkParameters(dimensions, { adaLN: true }), options);
  const { graph } = network;
  const ids = graph.input('input_ids', 'int64', ['batch', 'length']);
  const sigma = graph.input('sigma', 'float32', ['batch']);
  const logits = denoiser(network, embed(network, ids), sigma, sequencePositions(ids));
  graph.output(logits, 'logits', ['batch', 'length', dimensions.vocabSize]);
  return graph;
}

/**
 * The same network without the noise level, as RADD has it (arXiv 2406.03736): the best prediction of a masked token does not
 * depend on it. Its layer normalisation has biases in place of the modulation: `input_ids` → `logits`.
 * @throws ModelError as ditGraph
 */
export function timelessGraph(dimensions: Dimensions, options: BuildOptions = {}): Graph {
  checkDimensions(dimensions);
  const network = Network.create('radd', dimensions, timelessParameters(dimensions), options);
  const { graph } = network;
  const ids = graph.input('input_ids', 'int64', ['batch', 'length']);
  const rotate = rotation(network, sequencePositions(ids));
  let x = embed(network, ids);
  for (let i = 0; i < dimensions.blocks; i++) {
    const name = `blocks.${i}`;
    x = graph.scope(name, () => {
      const attended = selfAttention(network, name, biasedNorm(network, `${name}.norm1`, x), rotate);
      const between = Add(x, attended);
      const normalised = biasedNorm(network, `${name}.norm2`, between);
      return Add(between, multilayerPerceptron(network, `${name}.mlp`, normalised));
    });
  }
  const logits = graph.scope('output_layer', () =>
    linear(network, 'output_layer.linear', biasedNorm(network, 'output_layer.norm_final', x)),
  );
  graph.output(logits, 'logits', ['batch', 'length', dimensions.vocabSize]);
  return graph;
}

export const timelessParameters = (dimensions: Dimensions): Parameter[] =>
  networkParameters(dimensions, { adaLN: false, normBias: true });

/** Attention of a block: its name, its normalised input [batch, length, d], and its number. */
export type Attend = (name: string, x: Value, rotate: Rotation, block: number) => Value;

/**
 * From embedded tokens to logits. Accepts any point of the embedding space, so that training may feed mixtures of tokens.
 * @param x [batch, length, d]   @param sigma float32 [batch]   @param positions int64 [batch, length]
 * @param attend by default, every position sees every other
 * @returns [batch, length, vocab]
 */
export function denoiser(
  network: Network,
  x: Value,
  sigma: Value,
  positions: Value,
  attend: Attend = (name, input, rotate) => selfAttention(network, name, input, rotate),
): Value {
  const { graph } = network;
  const condition = graph.scope('sigma_map', () => noiseCondition(network, sigma));
  const { length, blocks, blockSize } = network.dimensions;
  const rotate = rotation(network, positions, blockSize === undefined ? length : 2 * length);
  for (let i = 0; i < blocks; i++) {
    const name = `blocks.${i}`;
    x = graph.scope(name, () =>
      block(network, name, x, condition, (input) => attend(name, input, rotate, i)),
    );
  }
  return graph.scope('output_layer', () => {
    const [shift, scale] = modulations(network, 'output_layer', condition, 2);
    return linear(
      network,
      'output_layer.linear',
      layerNorm(network, 'output_layer.norm_final', x, { shift, scale }),
    );
  });
}

/** 0, 1, 2 … for each sequence: int64 [batch, length]. */
export function sequencePositions(ids: Value): Value {
  const shape = Shape(ids);
  return Expand(Range(0, Gather(shape, 1), 1), shape);
}

/** SiLU(MLP(cos(σω) ‖ sin(σω))), ω from 1 down to 1/10,000 in equal ratios: [batch, conditionSize]. */
function noiseCondition(network: Network, sigma: Value): Value {
  const half = FREQUENCY_SIZE / 2;
  const frequencies = Array.from({ length: half }, (_, i) => LONGEST_PERIOD ** (-i / half));
  const angles = Mul(Unsqueeze(sigma, [1]), network.graph.constant(frequencies, 'float32'));
  const sinusoids = Concat([Cos(angles), Sin(angles)], { axis: 1 });
  const hidden = silu(linear(network, 'sigma_map.mlp.0', sinusoids));
  return silu(linear(network, 'sigma_map.mlp.2', hidden));
}

function block(
  network: Network,
  name: string,
  x: Value,
  condition: Value,
  attention: (x: Value) => Value,
): Value {
  const [shift1, scale1, gate1, shift2, scale2, gate2] = modulations(network, name, condition, 6);
  const before = layerNorm(network, `${name}.norm1`, x, { shift: shift1, scale: scale1 });
  const attended = Add(x, Mul(gate1, attention(before)));
  const between = layerNorm(network, `${name}.norm2`, attended, { shift: shift2, scale: scale2 });
  return Add(attended, Mul(gate2, multilayerPerceptron(network, `${name}.mlp`, between)));
}
