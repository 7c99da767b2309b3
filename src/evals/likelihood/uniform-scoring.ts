/** Scoring of models of uniform states, whose loss is drawn. */
import { type DrawnIntegration, integration } from '../../diffusion/integration.js';
import { noiseSchedule } from '../../diffusion/schedule.js';
import type { Checkpoint } from '../../models/checkpoint.js';
import { drawnLevels } from '../perplexity/estimator.js';
import type { ModelCall } from '../perplexity/loss-batch.js';
import { LossSession } from '../perplexity/loss-session.js';
import { type BatchModel, batchModelOf } from '../perplexity/loss-source.js';
import type { Reading } from './items.js';
import { type Question, uniformWalk, type Walk, type WalkSettings } from './question-walks.js';
import { idle, Scoring, type ScoringSettings } from './scored-questions.js';

export class UniformScoring extends Scoring<ModelCall, number> {
  private readonly model: BatchModel;
  private readonly integration: DrawnIntegration;

  private constructor(
    settings: ScoringSettings,
    reading: Reading,
    private readonly walks: WalkSettings,
    private readonly session: Pick<LossSession, 'losses' | 'close' | 'provider' | 'threads'>,
  ) {
    super(settings.checkpoint, reading, settings.batch ?? null);
    this.integration = levelsOf(settings.checkpoint);
    this.model = batchModelOf(settings.checkpoint, { seed: walks.seed, wrapped: false });
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
    return losses.map(({ nats }) => nats);
  }

  protected joined(calls: readonly ModelCall[]) {
    return { distinct: [...calls], answersOf: (answers: readonly number[]) => [...answers] };
  }
}

/** The levels of the bound of continuous time, drawn towards clean text. */
function levelsOf({ family, signature, fields, schedule: ofCard }: Checkpoint): DrawnIntegration {
  // a family with noise has a schedule
  const schedule = noiseSchedule(ofCard!);
  const readsTime = signature.sigma !== null && fields.timeConditioning.value === true;
  return drawnLevels('control-variate', integration('strict', schedule), { schedule, family, readsTime });
}
