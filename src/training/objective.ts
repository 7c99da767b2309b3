/**
 * The training objective: the family's loss (diffusion/heads), weighted per token and summed.
 *
 *     objective = Σ weight_i · loss_i
 *
 * The losses are per unit of −dα; with weights −α'(t)/tokens the objective is the mean of the papers' losses (noisy-batch.ts).
 */
import { HEAD } from '../diffusion/heads/head.js';
import { appendLossHead } from '../diffusion/heads/losses.js';
import { fixAxes } from '../graph/fix-axes.js';
import type { Graph, Value } from '../graph/graph.js';
import { Mul, ReduceSum } from '../graph/operators.js';
import { blockTrainingGraph } from '../models/architectures/block-diffusion.js';
import { causalGraph } from '../models/architectures/causal.js';
import { decoderGraph } from '../models/architectures/decoder.js';
import { type DecoderDimensions, decoderParameters } from '../models/architectures/decoder-dimensions.js';
import type { Dimensions } from '../models/architectures/dimensions.js';
import { ditGraph } from '../models/architectures/dit.js';
import { networkParameters, type Parameter } from '../models/architectures/parameters.js';
import { type Family, isInSteps, isMasked } from '../models/family.js';
import { type Mixture, mixtureGraph } from './mixture.js';

/** Name of the input that the objective adds: float32, in the shape of the losses. */
export const TOKEN_WEIGHTS = 'duo_eval_token_weights';

export interface TrainingProblem {
  family: Family;
  dimensions: Dimensions;
  maskTokenId: number | null;
  /** Positions that never become the mask; by default those of the family. */
  neverMasked?: readonly number[];
  /** Logits from here on are padding that no text has; all count by default. */
  textVocabSize?: number;
  /** The network, where it is a decoder: it began as an imported one, and reads no noise level. */
  decoder?: DecoderDimensions;
  /** Sequences per step, and tokens per sequence. */
  batch: number;
  length: number;
  /** Input of a denoiser: tokens by default, or mixtures of them. */
  reads?: 'tokens' | Mixture;
  /** Whether the network uses fused operators; true by default. */
  fused?: boolean;
}

export interface Objective {
  graph: Graph;
  parameters: readonly Parameter[];
  /** Scalar, float32. */
  objective: Value;
}

/** Forward pass and objective, weights as initializers without data.
 *  @throws ModelError when no such network exists, or the family has no loss */
export function objectiveGraph(problem: TrainingProblem): Objective {
  const { family, dimensions, reads = 'tokens' } = problem;
  const causal = family === 'ar';
  const options = { fused: problem.fused ?? true };
  const graph = problem.decoder
    ? decoderGraph(problem.decoder, { ...options, cached: false })
    : causal
      ? causalGraph(dimensions, options)
      : reads !== 'tokens'
        ? mixtureGraph(dimensions, reads, options)
        : dimensions.blockSize === undefined
          ? ditGraph(dimensions, options)
          : blockTrainingGraph(dimensions, options);
  const objective = appendObjective(graph, problem);
  return { graph, parameters: parametersOf(problem), objective };
}

/** The parameters of the network, in the order of the vectors of a run. */
export const parametersOf = ({
  family,
  dimensions,
  decoder,
}: Pick<TrainingProblem, 'family' | 'dimensions' | 'decoder'>): Parameter[] =>
  decoder ? decoderParameters(decoder) : networkParameters(dimensions, { adaLN: family !== 'ar' });

function appendObjective(graph: Graph, problem: TrainingProblem): Value {
  const { family, maskTokenId, textVocabSize, batch, length } = problem;
  const { vocabSize } = problem.dimensions;
  appendLossHead(graph, family, {
    logits: 'logits',
    vocabSize,
    maskTokenId,
    textVocabSize,
    inBlocks: false,
  });
  graph.clearOutputs();
  const shape = isMasked(family) ? ['rows'] : ['batch', 'length'];
  const weights = graph.input(TOKEN_WEIGHTS, 'float32', shape);
  const weighted = Mul(graph.value(HEAD.loss, 'float32'), weights);
  const objective = ReduceSum(weighted, { axes: shape.map((_, i) => i), keepdims: false });
  // Discrete time asks about the clean sequences as well.
  fixAxes(graph, { batch: isInSteps(family) ? 2 * batch : batch, length });
  return objective;
}
