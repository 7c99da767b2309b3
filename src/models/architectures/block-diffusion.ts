/**
 * The network of block diffusion (BD3-LM, arXiv 2503.09573): the diffusion transformer with an attention that goes block by
 * block. It reads two kinds of tokens, noisy and clean ones, which share the positions of the text:
 *
 *     a noisy token sees the noisy tokens of its block, and the clean ones of earlier blocks
 *     a clean token sees the clean tokens of its block and of earlier blocks
 *
 * So one call on the noisy text followed by the clean one (2L tokens) gives every block its distributions, as if all earlier
 * blocks were known and none of the later ones. A clean token depends on no noisy one: its keys and values can be kept.
 */
import type { Graph } from '../../graph/graph.js';
import { Concat, Gather, Greater, Shape } from '../../graph/operators.js';
import { blocksBias, cachedAttention, doubledBias, type KeysAndValues, selfAttention } from './attention.js';
import { cachedOutputs, pastInputs } from './cached-inputs.js';
import { checkDimensions, type Dimensions, headSize } from './dimensions.js';
import { denoiser, sequencePositions } from './dit.js';
import { embed } from './layers.js';
import { type BuildOptions, Network } from './network.js';
import { networkParameters } from './parameters.js';

/** As training builds it: the clean tokens are an input of their own. */
export const CLEAN_IDS = 'clean_ids';

/**
 * The network as a checkpoint:
 *
 *     input_ids, position_ids   int64 [batch, tokens]       in any order; positions are those in the text
 *     token_type_ids            int64 [batch, tokens]       0 for noisy tokens, 1 for clean ones
 *     sigma                     float32 [batch]
 *     past_key_values.i.key, .value   [batch, heads, past, headSize]   clean tokens of earlier blocks; past may be 0
 *     logits                    [batch, tokens, vocab]      row i scores token i; those of clean tokens have no use
 *     present.i.key, .value     [batch, heads, past + tokens, headSize]
 *
 * @throws ModelError as ditGraph, and when blocks do not divide the length
 */
export function blockDiffusionGraph(dimensions: Dimensions, options: BuildOptions = {}): Graph {
  const { network, blockSize } = create(dimensions, options);
  const { graph } = network;
  const { heads, blocks, vocabSize } = dimensions;
  const sizes = { blocks, keyValueHeads: heads, headSize: headSize(dimensions) };
  const shape = ['batch', 'length'];
  const ids = graph.input('input_ids', 'int64', shape);
  const sigma = graph.input('sigma', 'float32', ['batch']);
  const positions = graph.input('position_ids', 'int64', shape);
  const types = graph.input('token_type_ids', 'int64', shape);
  const { pasts, pastLength } = pastInputs(graph, sizes);
  const places = { positions, clean: Greater(types, 0) };
  const bias = graph.scope('bias', () => blocksBias(places, blockSize, pastLength));
  const all: KeysAndValues[] = [];
  const logits = denoiser(network, embed(network, ids), sigma, positions, (name, x, rotate, i) => {
    const { output, added } = cachedAttention(network, name, x, rotate, { past: pasts[i], bias, pastLength });
    all.push(added);
    return output;
  });
  graph.output(logits, 'logits', [...shape, vocabSize]);
  cachedOutputs(graph, pasts, all, sizes);
  return graph;
}

/** The same for training: `input_ids`, `clean_ids`, `sigma` → `logits`, [batch, 2 · length, vocab]. @throws ModelError likewise */
export function blockTrainingGraph(dimensions: Dimensions, options: BuildOptions = {}): Graph {
  const { network, blockSize } = create(dimensions, options);
  const { graph } = network;
  const shape = ['batch', 'length'];
  const noisy = graph.input('input_ids', 'int64', shape);
  const clean = graph.input(CLEAN_IDS, 'int64', shape);
  const sigma = graph.input('sigma', 'float32', ['batch']);
  const half = sequencePositions(noisy);
  const positions = Concat([half, half], { axis: 1 });
  const bias = graph.scope('bias', () => doubledBias(Gather(Shape(noisy), 1), blockSize));
  const x = embed(network, Concat([noisy, clean], { axis: 1 }));
  const logits = denoiser(network, x, sigma, positions, (name, input, rotate) =>
    selfAttention(network, name, input, rotate, { bias }),
  );
  graph.output(logits, 'logits', ['batch', 'doubled', dimensions.vocabSize]);
  return graph;
}

function create(dimensions: Dimensions, options: BuildOptions): { network: Network; blockSize: number } {
  const { blockSize = 0 } = checkDimensions(dimensions);
  if (blockSize < 1) throw new RangeError('a network of block diffusion has blocks');
  const network = Network.create(
    'block-diffusion',
    dimensions,
    networkParameters(dimensions, { adaLN: true }),
    options,
  );
  return { network, blockSize };
}
