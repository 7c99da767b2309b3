/**
 * The vectors of a training run, kept in the session's worker (models/session-state.ts): the outputs of a step are the inputs
 * of the next and cross no thread.
 *
 * A step whose objective or gradient is not finite is answered but not taken, and neither is any later one: the vectors
 * stay as they were, so that they can be saved.
 */
import type { Feeds } from '../models/feeds.js';
import type { Network, StateKind } from '../models/session-state.js';

/** Vectors that a training step reads and replaces, by name of input; the names of the outputs begin with `next_`. */
export const STATE = ['weights', 'first_moment', 'second_moment', 'average'] as const;

export type StateName = (typeof STATE)[number];

export const nextName = (name: StateName): string => `next_${name}`;

/** All of one length. */
export type TrainingVectors = Record<StateName, Float32Array>;

export interface StepResult {
  /** Before the step's update. */
  loss: number;
  /** Of the gradient, before clipping. */
  gradientNorm: number;
}

export const isFiniteStep = ({ loss, gradientNorm }: StepResult): boolean =>
  Number.isFinite(loss) && Number.isFinite(gradientNorm);

export interface TrainingInit {
  vectors: TrainingVectors;
  /** Further inputs of the graph, vectors by name, the same in every step. */
  constants: Record<string, Float32Array>;
}

export class TrainingState {
  private state: Feeds;
  private readonly constants: Feeds;
  /** The first step that was not finite. */
  private diverged: StepResult | null = null;

  constructor({ vectors, constants }: TrainingInit) {
    this.state = vectorFeeds(vectors);
    this.constants = vectorFeeds(constants);
  }

  /** @param feeds a batch, and the scalars of the step */
  async step(feeds: Feeds, network: Network): Promise<StepResult> {
    if (this.diverged) return this.diverged;
    const outputs = await network({ ...feeds, ...this.state, ...this.constants });
    const result = {
      loss: Number(outputs.objective.data[0]),
      gradientNorm: Number(outputs.gradient_norm.data[0]),
    };
    if (isFiniteStep(result))
      this.state = Object.fromEntries(STATE.map((name) => [name, outputs[nextName(name)]]));
    else this.diverged = result;
    return result;
  }

  /** Copies: an answer may be transferred out of the worker, and the state must stay. */
  async read(_: null): Promise<TrainingVectors> {
    const copies = STATE.map((name) => [name, this.state[name].data.slice()]);
    return Object.fromEntries(copies) as TrainingVectors;
  }
}

export const trainingState: StateKind<TrainingInit, TrainingState> = {
  name: 'training',
  create: (init) => new TrainingState(init),
};

function vectorFeeds(vectors: Record<string, Float32Array>): Feeds {
  return Object.fromEntries(
    Object.entries(vectors).map(([name, data]) => [name, { type: 'float32', data, dims: [data.length] }]),
  );
}
