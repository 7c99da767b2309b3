/**
 * The causal transformer, the autoregressive baseline of the same papers: the blocks of the diffusion transformer
 * with causal attention and without the noise level.
 *
 *     each block:   x ← x + attention(LN(x));   x ← x + MLP(LN(x))
 *     logits = linear(LN(x)): position l scores the token after l
 *
 * Two forms of the same weights. The whole-sequence form takes `input_ids` alone. The cached form is what exporters of
 * autoregressive models write: inputs `attention_mask`, `position_ids` and `past_key_values.*` as well as the ids, outputs
 * `present.*` as well as the logits. With an empty past it equals the whole-sequence form, so checkpoint files hold it.
 */
import type { Graph, Value } from '../../graph/graph.js';
import { Add, Gather, Shape } from '../../graph/operators.js';
import { cachedAttention, causalBias, type KeysAndValues, selfAttention } from './attention.js';
import { cachedInputs, cachedOutputs } from './cached-inputs.js';
import { checkDimensions, type Dimensions, headSize } from './dimensions.js';
import { sequencePositions } from './dit.js';
import { embed, layerNorm, linear, multilayerPerceptron } from './layers.js';
import { type BuildOptions, Network } from './network.js';
import { networkParameters } from './parameters.js';
import { rotation } from './rotary.js';

/** `input_ids` → `logits`, any batch, any length up to the network's. @throws ModelError as ditGraph */
export function causalGraph(dimensions: Dimensions, options: BuildOptions = {}): Graph {
  const network = create(dimensions, options);
  const { graph } = network;
  const ids = graph.input('input_ids', 'int64', ['batch', 'length']);
  graph.output(nextTokenLogits(network, ids), 'logits', ['batch', 'length', dimensions.vocabSize]);
  return graph;
}

/**
 * New tokens after cached ones:
 *
 *     input_ids, position_ids   int64 [batch, new]               positions count tokens without padding
 *     attention_mask            int64 [batch, past + new]        0 for padding, wherever it lies
 *     past_key_values.i.key, .value   [batch, heads, past, headSize]     past may be 0
 *     present.i.key, .value           [batch, heads, past + new, headSize]
 *
 * `present` is Concat(past, new): a program that keeps the cache itself may take the second operand of that Concat instead,
 * so that no step copies the past.
 * @throws ModelError as ditGraph
 */
export function cachedCausalGraph(dimensions: Dimensions, options: BuildOptions = {}): Graph {
  const network = create(dimensions, options);
  const { graph } = network;
  const { heads, blocks, vocabSize } = dimensions;
  const sizes = { blocks, keyValueHeads: heads, headSize: headSize(dimensions) };
  const { ids, positions, pasts, bias, pastLength } = cachedInputs(graph, sizes);
  const rotate = rotation(network, positions);
  const all: KeysAndValues[] = [];
  const logits = transformer(network, embed(network, ids), (name, x, i) => {
    const { output, added } = cachedAttention(network, name, x, rotate, { past: pasts[i], bias, pastLength });
    all.push(added);
    return output;
  });
  graph.output(logits, 'logits', ['batch', 'length', vocabSize]);
  cachedOutputs(graph, pasts, all, sizes);
  return graph;
}

/** Whole sequences: int64 [batch, length] → [batch, length, vocab]. */
function nextTokenLogits(network: Network, ids: Value): Value {
  const rotate = rotation(network, sequencePositions(ids));
  const causal = causalBias(Gather(Shape(ids), 1));
  return transformer(network, embed(network, ids), (name, x) =>
    selfAttention(network, name, x, rotate, { causal }),
  );
}

function create(dimensions: Dimensions, options: BuildOptions): Network {
  checkDimensions(dimensions);
  return Network.create('causal', dimensions, networkParameters(dimensions, { adaLN: false }), options);
}

type Attend = (name: string, x: Value, block: number) => Value;

function transformer(network: Network, x: Value, attend: Attend): Value {
  const { graph } = network;
  for (let i = 0; i < network.dimensions.blocks; i++) {
    const name = `blocks.${i}`;
    x = graph.scope(name, () => {
      const attended = Add(x, attend(name, layerNorm(network, `${name}.norm1`, x), i));
      return Add(
        attended,
        multilayerPerceptron(network, `${name}.mlp`, layerNorm(network, `${name}.norm2`, attended)),
      );
    });
  }
  return graph.scope('output_layer', () =>
    linear(network, 'output_layer.linear', layerNorm(network, 'output_layer.norm_final', x)),
  );
}
