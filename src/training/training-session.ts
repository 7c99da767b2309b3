/** A network in training: batches in, losses out. Not responsible for the batches or for when to stop. */
import { NumericalError } from '../errors.js';
import { gradients } from '../graph/differentiate/gradients.js';
import type { Graph, Value } from '../graph/graph.js';
import { Mul } from '../graph/operators.js';
import { type Packed, packedOffsets, packWeights, readWeightsFrom } from '../graph/packed-weights.js';
import { prune } from '../graph/prune.js';
import type { Feeds } from '../models/feeds.js';
import type { Placement } from '../models/provider.js';
import { type ModelSession, type SessionState, startSession } from '../models/session.js';
import type { Objective } from './objective.js';
import {
  type AdamWOptions,
  adamWInputs,
  adamWScalars,
  adamWStep,
  averageLeft,
  clippingFactor,
  globalNorm,
  type LearningRateOptions,
  learningRate,
  movedAverage,
} from './optimizer.js';
import {
  isFiniteStep,
  nextName,
  STATE,
  type StateName,
  type StepResult,
  type TrainingState,
  type TrainingVectors,
  trainingState,
} from './training-state.js';

export interface TrainingOptions extends StepOptions {
  learningRate: LearningRateOptions;
  /** Decay of the moving average of the weights. */
  averageDecay: number;
  provider?: Placement;
  threads?: number;
}

export class TrainingSession {
  private constructor(
    private readonly session: ModelSession,
    private readonly state: SessionState<TrainingState>,
    private readonly options: TrainingOptions,
  ) {}

  /**
   * @param vectors of one length, from which the first step starts: see startingVectors
   * @param constants further inputs of the graph, vectors by name, the same in every step
   */
  static async start(
    { graph, objective, parameters }: Objective,
    vectors: TrainingVectors,
    options: TrainingOptions,
    constants: Record<string, Float32Array> = {},
  ): Promise<TrainingSession> {
    appendStep(graph, objective, parameters, options);
    const { provider, threads } = options;
    const session = await startSession({
      patient: true,
      graph: graph.toBytes(),
      folder: '',
      provider,
      threads,
      label: 'training',
    });
    const state = session.keep(trainingState, { vectors, constants });
    return new TrainingSession(session, state, options);
  }

  get threads(): number {
    return this.session.threads;
  }

  /**
   * One step.
   * @param step from 1; decides the learning rate and AdamW's corrections   @param batch inputs of the objective
   * @throws NumericalError `training-diverged`; the step is then not taken
   */
  async step(step: number, batch: Feeds): Promise<StepResult> {
    const { adamW, averageDecay } = this.options;
    const rate = learningRate(this.options.learningRate, step);
    const scalars = { ...adamWScalars(adamW, step, rate), average_left: averageLeft(averageDecay, step) };
    const feeds: Feeds = { ...batch };
    for (const [name, value] of Object.entries(scalars)) {
      feeds[name] = { type: 'float32', data: Float32Array.of(value), dims: [] };
    }
    const label = `step ${step}`;
    const result = await this.state.call('step', feeds, { label, transfer: true });
    if (!isFiniteStep(result)) throw divergenceError(step, result);
    return result;
  }

  /** The vectors after all steps so far, copied out of the worker. */
  read(): Promise<TrainingVectors> {
    return this.state.call('read', null, { label: 'reading the weights' });
  }

  async close(): Promise<void> {
    this.state.release();
    await this.session.close();
  }
}

/** The vectors before the first step: moments are 0, and the average equals the weights. */
export function startingVectors(weights: Float32Array): TrainingVectors {
  return {
    weights,
    first_moment: new Float32Array(weights.length),
    second_moment: new Float32Array(weights.length),
    average: weights.slice(),
  };
}

function divergenceError(step: number, { loss }: StepResult): NumericalError {
  const what = Number.isFinite(loss) ? 'gradient' : 'loss';
  return new NumericalError({
    code: 'training-diverged',
    message: `The ${what} of step ${step} is not finite.`,
    hint: 'Use a lower --lr, or a longer warm-up.',
  });
}

/**
 * A training step as one graph: forward pass, loss, gradients, clipping, AdamW and the moving average. Weights, moments and
 * average go in and come out as vectors of one layout (packed-weights.ts).
 */
export interface StepOptions {
  adamW: AdamWOptions;
  /** Gradients of a larger norm are scaled down to it. */
  greatestNorm: number;
}

/**
 * Turns a graph with an objective into one with a step of training.
 *
 * Inputs added: the vectors of STATE, the scalars of AdamW, `average_left`. Outputs: `objective`, `gradient_norm` (before
 * clipping), and the next vectors.
 * @param parameters initializers of the graph, in the order of the vectors
 */
function appendStep(
  graph: Graph,
  objective: Value,
  parameters: readonly Packed[],
  { adamW, greatestNorm }: StepOptions,
): void {
  const atWeights = gradients(
    objective,
    parameters.map(({ name }) => graph.value(name, 'float32')),
  );
  graph.scope('step', () => {
    const { total } = packedOffsets(parameters);
    const vector = (name: StateName) => graph.input(name, 'float32', [total]);
    const [weights, first, second, average] = STATE.map(vector);
    readWeightsFrom(weights, parameters);
    const scalars = adamWInputs(graph);
    const left = graph.input('average_left', 'float32', []);

    const gradient = packWeights(graph, atWeights);
    const norm = globalNorm(gradient);
    const clipped = Mul(gradient, clippingFactor(norm, greatestNorm));
    const next = adamWStep({ weights, first, second }, clipped, scalars, adamW);

    graph.clearOutputs();
    graph.output(objective, 'objective', []);
    graph.output(norm, 'gradient_norm', []);
    const vectors = [next.weights, next.first, next.second, movedAverage(average, next.weights, left)];
    for (const [i, name] of STATE.entries()) graph.output(vectors[i], nextName(name), [total]);
  });
  prune(graph.proto);
}
