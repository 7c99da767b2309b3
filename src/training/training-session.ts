/** A network in training: batches in, losses out. Not responsible for the batches, nor for when to stop. */
import { NumericalError } from '../errors.js';
import type { Feeds } from '../models/feeds.js';
import type { Provider } from '../models/provider.js';
import { type ModelSession, startSession } from '../models/session.js';
import type { SessionState, StateSpec } from '../models/session-state.js';
import { adamWScalars } from './adamw.js';
import { type LearningRateOptions, learningRate } from './learning-rate.js';
import { averageLeft } from './moving-average.js';
import type { Objective } from './objective.js';
import { STATE, type TrainingVectors } from './state-names.js';
import { appendStep, type StepOptions } from './step-graph.js';

export interface TrainingOptions extends StepOptions {
  learningRate: LearningRateOptions;
  /** Decay of the weights' moving average. */
  averageDecay: number;
  provider?: Provider;
  threads?: number;
}

export interface StepResult {
  /** Before the step's update. */
  loss: number;
  /** Of the gradient, before clipping. */
  gradientNorm: number;
}

export class TrainingSession {
  private constructor(
    private readonly session: ModelSession,
    private readonly state: SessionState,
    private readonly options: TrainingOptions,
  ) {}

  /**
   * @param vectors what the first step starts from, of one length: see startingVectors
   * @param kept what the worker keeps, where it is more than these
   */
  static async start(
    { graph, objective, parameters }: Objective,
    vectors: TrainingVectors,
    options: TrainingOptions,
    kept: StateSpec = { module: 'training/training-state.js', init: vectors },
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
    const state = session.keep(kept);
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
    const outputs = await this.session.run(feeds, { label, state: this.state, transfer: true });
    const [loss, gradientNorm] = [outputs.objective, outputs.gradient_norm].map(({ data }) =>
      Number(data[0]),
    );
    if (!Number.isFinite(loss) || !Number.isFinite(gradientNorm)) throw diverged(step, loss);
    return { loss, gradientNorm };
  }

  /** The vectors after the steps asked for so far, copied out of the worker. */
  async read(): Promise<TrainingVectors> {
    const outputs = await this.session.run({}, { label: 'reading the weights', state: this.state });
    return Object.fromEntries(
      STATE.map((name) => [name, outputs[name].data as Float32Array]),
    ) as TrainingVectors;
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

function diverged(step: number, loss: number): NumericalError {
  const what = Number.isFinite(loss) ? 'gradient' : 'loss';
  return new NumericalError({
    code: 'training-diverged',
    message: `The ${what} of step ${step} is not finite.`,
    hint: 'Use a lower --lr, or a longer warm-up.',
  });
}
