/**
 * The divergence between student and teacher on held-out text with fixed noise: every call uses the same sequences, times and ε,
 * at the gap of the current round. Only figures of the same round are comparable: the next has another gap and teacher.
 */
import { packedOffsets, readWeightsFrom } from '../../graph/packed-weights.js';
import { prune } from '../../graph/prune.js';
import type { TensorData } from '../../models/feeds.js';
import { type ModelSession, startSession } from '../../models/session.js';
import { type HeldOutBatch, heldOutBatches, meanOverSequences } from '../held-out.js';
import type { TrainingText } from '../settings.js';
import type { SavedDistillation } from './distill.js';
import { pairedBatches, pairFeeds } from './feeds.js';
import { distillationObjective, TEACHER } from './objective.js';
import { type DistillationSettings, gapOfRound, roundOf } from './settings.js';

export interface HeldOutDivergence {
  /** Nats per token. */
  kl: number;
  /** Over sequences. */
  stderr: number;
  sequences: number;
}

const LOSS = 'duo_eval_divergence';

export class DistillationValidation {
  private constructor(
    private readonly session: ModelSession,
    private readonly settings: DistillationSettings,
    private readonly batches: readonly HeldOutBatch[],
  ) {}

  /** @param sequences how many, at most: the first of the text */
  static async start(
    settings: DistillationSettings,
    text: TrainingText,
    { sequences, threads }: { sequences: number; threads?: number },
  ): Promise<DistillationValidation> {
    const { problem, divergence } = settings;
    const { graph, parameters, perToken } = distillationObjective({ ...problem, divergence });
    readWeightsFrom(graph.input('weights', 'float32', [packedOffsets(parameters).total]), parameters);
    graph.output(perToken, LOSS, [problem.batch, problem.length]);
    prune(graph.proto);
    const session = await startSession({ graph: graph.toBytes(), folder: '', threads, label: 'validation' });
    return new DistillationValidation(session, settings, heldOutBatches(text, sequences, problem.batch));
  }

  /** Measured for the average of the student's weights, which the checkpoint will hold. */
  async loss({ step, vectors: { average, teacher } }: SavedDistillation): Promise<HeldOutDivergence> {
    const { length } = this.settings.problem;
    const gap = gapOfRound(roundOf(this.settings, step));
    const pairs = pairedBatches(this.settings);
    const perSequence: number[] = [];
    for (const [i, { rows, counted, step: noise }] of this.batches.entries()) {
      const feeds = {
        ...pairFeeds(this.settings, pairs(rows, noise, gap)),
        weights: vectorOf(average),
        [TEACHER.weights]: vectorOf(teacher),
      };
      const outputs = await this.session.run(feeds, { label: `batch ${i}` });
      const losses = outputs[LOSS].data as Float32Array;
      for (let b = 0; b < counted; b++) {
        const own = losses.subarray(b * length, (b + 1) * length);
        perSequence.push(own.reduce((sum, loss) => sum + loss, 0) / length);
      }
    }
    const { mean, ...rest } = meanOverSequences(perSequence);
    return { kl: mean, ...rest };
  }

  async close(): Promise<void> {
    await this.session.close();
  }
}

const vectorOf = (data: Float32Array): TensorData => ({ type: 'float32', data, dims: [data.length] });
