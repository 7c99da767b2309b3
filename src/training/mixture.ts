/**
 * A denoiser that reads mixtures of tokens: at every position, the mean of the embeddings under some probabilities.
 *
 *     whole    softmax(w/τ)·E, with w of K entries per position: the curriculum by its definition
 *     kept     Σ shares·E[tokens] over a few entries (noised-one-hot.ts)
 *
 * `input_ids` stays an input: z, which the loss reads.
 */
import type { Graph, Value } from '../graph/graph.js';
import { Gather, MatMul, Mul, Softmax, Squeeze, Unsqueeze } from '../graph/operators.js';
import type { Dimensions } from '../models/architectures/dimensions.js';
import { checkDimensions } from '../models/architectures/dimensions.js';
import { denoiser, sequencePositions } from '../models/architectures/dit.js';
import { type BuildOptions, Network } from '../models/architectures/network.js';
import { networkParameters } from '../models/architectures/parameters.js';

export type Mixture = { mixture: 'whole' } | { mixture: 'kept'; kept: number };

/** Inputs that mixtures add. */
export const MIXTURE = {
  /** int64 and float32 [batch, length, kept] */
  tokens: 'duo_eval_mixture_tokens',
  shares: 'duo_eval_mixture_shares',
  /** float32 [batch, length, vocab]: w, and 1/τ, a scalar. */
  latent: 'duo_eval_latent',
  inverseTemperature: 'duo_eval_inverse_temperature',
} as const;

/** As ditGraph. @throws ModelError as ditGraph */
export function mixtureGraph(dimensions: Dimensions, mixture: Mixture, options: BuildOptions = {}): Graph {
  checkDimensions(dimensions);
  const parameters = networkParameters(dimensions, { adaLN: true });
  const network = Network.create('dit', dimensions, parameters, options);
  const { graph } = network;
  const ids = graph.input('input_ids', 'int64', ['batch', 'length']);
  const sigma = graph.input('sigma', 'float32', ['batch']);
  const embedded = graph.scope('mixture', () => mixedEmbedding(network, mixture));
  const logits = denoiser(network, embedded, sigma, sequencePositions(ids));
  graph.output(logits, 'logits', ['batch', 'length', dimensions.vocabSize]);
  return graph;
}

/** [batch, length, d] */
function mixedEmbedding(network: Network, mixture: Mixture): Value {
  const { graph, dimensions } = network;
  const embedding = network.parameter('vocab_embed.embedding');
  if (mixture.mixture === 'whole') {
    const latent = graph.input(MIXTURE.latent, 'float32', ['batch', 'length', dimensions.vocabSize]);
    const inverseTemperature = graph.input(MIXTURE.inverseTemperature, 'float32', []);
    return MatMul(Softmax(Mul(latent, inverseTemperature)), embedding);
  }
  const shape = ['batch', 'length', mixture.kept];
  const tokens = graph.input(MIXTURE.tokens, 'int64', shape);
  const shares = graph.input(MIXTURE.shares, 'float32', shape);
  return Squeeze(MatMul(Unsqueeze(shares, [2]), Gather(embedding, tokens)), [2]);
}
