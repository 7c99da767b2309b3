/** Scoring of models of uniform states, also with masks beside them, whose loss is drawn. */
import {
  type ControlVariate,
  controlVariateExpectation,
  evenControlVariate,
  mixedControlVariate,
} from '../../diffusion/control-variate.js';
import { type DrawnIntegration, integration } from '../../diffusion/integration.js';
import { noiseSchedule } from '../../diffusion/schedule.js';
import type { Checkpoint } from '../../models/checkpoint.js';
import { isMixed } from '../../models/family.js';
import { sum } from '../../statistics/numbers.js';
import { drawnLevels } from '../perplexity/estimator.js';
import { type ModelCall, noisyTokens } from '../perplexity/loss-batch.js';
import { LossSession } from '../perplexity/loss-session.js';
import { type BatchModel, batchModelOf } from '../perplexity/loss-source.js';
import type { Reading } from './items.js';
import { type Question, uniformWalk, type Walk, type WalkSettings } from './question-walks.js';
import { idle, Scoring, type ScoringSettings } from './scored-questions.js';

export class UniformScoring extends Scoring<ModelCall, number> {
  private readonly model: BatchModel;
  private readonly integration: DrawnIntegration;
  /** What is subtracted from each loss, and its mean for a token, which is the same for all. */
  private readonly control: { control: ControlVariate; mean: number } | null;

  private constructor(
    settings: ScoringSettings,
    reading: Reading,
    private readonly walks: WalkSettings,
    private readonly session: Pick<LossSession, 'losses' | 'close' | 'provider' | 'threads'>,
  ) {
    super(settings.checkpoint, reading, settings.batch ?? null);
    this.integration = levelsOf(settings.checkpoint);
    this.model = batchModelOf(settings.checkpoint, { seed: walks.seed, wrapped: false });
    const control = settings.hasControl === false ? null : controlOf(settings.checkpoint);
    this.control = control && {
      ...{ control, mean: controlVariateExpectation(control, [0], this.integration) },
    };
  }

  static async start(
    settings: ScoringSettings,
    reading: Reading,
    walks: WalkSettings,
  ): Promise<UniformScoring> {
    return new UniformScoring(settings, reading, walks, await LossSession.start(settings));
  }

  static plan(settings: ScoringSettings, reading: Reading, walks: WalkSettings): UniformScoring {
    const session = {
      ...idle(settings),
      losses: async (calls: readonly ModelCall[]) =>
        calls.map(({ sequence, draw }) => ({ sequence, draw, nats: 0, textNats: 0, calls: 1 })),
    };
    return new UniformScoring(settings, reading, walks, session);
  }

  get runtime() {
    return this.session;
  }

  close(): Promise<void> {
    return this.session.close();
  }

  protected walk(question: Question): Walk<ModelCall, number> {
    return uniformWalk(question, this.integration, this.walks);
  }

  protected lengthOf({ x }: ModelCall): number {
    return x.length;
  }

  protected tokensOf({ x }: ModelCall): number {
    return x.length;
  }

  protected async ask(calls: readonly ModelCall[]): Promise<number[]> {
    const losses = await this.session.losses(calls, this.model);
    return losses.map(({ nats }, i) => nats - this.controlled(calls[i]));
  }

  /** The control at the noise of a call, less its mean, nats. */
  private controlled(call: ModelCall): number {
    if (this.control === null) return 0;
    const { control, mean } = this.control;
    const { x, level, unknown } = call;
    // every call of these models has a level, and says what is unknown
    const { first, count } = unknown!;
    const { weight, ...at } = level!; // as above
    const z = noisyTokens(new Int32Array(x.length), call, this.model);
    const within = (all: Int32Array) => all.subarray(first, first + count);
    const losses = control.losses(new Float64Array(count), within(x), within(z), at);
    return weight * sum(Array.from(losses)) - count * mean;
  }

  protected joined(calls: readonly ModelCall[]) {
    return { distinct: [...calls], answersOf: (answers: readonly number[]) => [...answers] };
  }
}

/**
 * The probability that the control's model gives to the true token: of 0.003 to 0.05 the variance is least about here, on vocabularies of 512 and
 * 1,024 (docs/tasks.md). Any choice leaves the mean as it is.
 */
const CONTROL_PROBABILITY = 0.01;

/** The control variate of scores: of text of which nothing is counted. Its coefficient is 1, so draws stay independent. */
function controlOf({ family, vocabSize, maskTokenId, schedule }: Checkpoint): ControlVariate {
  if (!isMixed(family) || maskTokenId === null)
    return evenControlVariate(vocabSize, Math.max(CONTROL_PROBABILITY, 2 / vocabSize));
  // a family with noise has a schedule
  return mixedControlVariate(evenOver(vocabSize, maskTokenId), maskTokenId, noiseSchedule(schedule!));
}

/** The same p for all tokens but the mask. */
const evenOver = (vocabSize: number, mask: number): Float64Array =>
  new Float64Array(vocabSize).fill(1 / (vocabSize - 1)).fill(0, mask, mask + 1);

/** The levels of the bound of continuous time, drawn towards clean text. */
function levelsOf({ family, signature, fields, schedule: ofCard }: Checkpoint): DrawnIntegration {
  // a family with noise has a schedule
  const schedule = noiseSchedule(ofCard!);
  const readsTime = signature.sigma !== null && fields.timeConditioning.value === true;
  return drawnLevels('control-variate', integration('strict', schedule), { schedule, family, readsTime });
}
