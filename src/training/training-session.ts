/** A network in training: batches in, losses out. Not responsible for the batches or for when to stop. */
import { NumericalError } from '../errors.js';
import type { Feeds } from '../models/feeds.js';
import type { Provider } from '../models/provider.js';
import { type ModelSession, type SessionState, startSession } from '../models/session.js';
import { adamWScalars } from './adamw.js';
import { type LearningRateOptions, learningRate } from './learning-rate.js';
import { averageLeft } from './moving-average.js';
import type { Objective } from './objective.js';
import { appendStep, type StepOptions } from './step-graph.js';
import {
  isFiniteStep,
  type StepResult,
  type TrainingState,
  type TrainingVectors,
  trainingState,
} from './training-state.js';

export interface TrainingOptions extends StepOptions {
  learningRate: LearningRateOptions;
  /** Decay of the weights' moving average. */
  averageDecay: number;
  provider?: Provider;
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
   * @param step from 1: decides learning rate and corrections   @param batch what the objective reads
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
    if (!isFiniteStep(result)) throw diverged(step, result);
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

/** Weights before any step: moments 0, the average the weights themselves. */
export function startingVectors(weights: Float32Array): TrainingVectors {
  return {
    weights,
    first_moment: new Float32Array(weights.length),
    second_moment: new Float32Array(weights.length),
    average: weights.slice(),
  };
}

function diverged(step: number, { loss }: StepResult): NumericalError {
  const what = Number.isFinite(loss) ? 'gradient' : 'loss';
  return new NumericalError({
    code: 'training-diverged',
    message: `The ${what} of step ${step} is not finite.`,
    hint: 'Use a lower --lr, or a longer warm-up.',
  });
}
