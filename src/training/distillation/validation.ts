/**
 * The divergence of student and teacher on held-out text, with the noise held fixed: the same sequences at the same times and
 * from the same ε whenever it is asked for, at the gap of the round that it is asked in. What can be compared are figures
 * of one round: the next has another gap, and another teacher.
 */
import { packedOffsets, readWeightsFrom } from '../../graph/packed-weights.js';
import { prune } from '../../graph/prune.js';
import type { TensorData } from '../../models/feeds.js';
import { type ModelSession, startSession } from '../../models/session.js';
import type { TrainingText } from '../settings.js';
import { pairedBatches, pairFeeds } from './feeds.js';
import { distillationObjective, TEACHER } from './objective.js';
import type { SavedDistillation } from './saved-distillation.js';
import { type DistillationSettings, gapOfRound, roundOf } from './settings.js';

export interface HeldOutDivergence {
  /** Nats a token. */
  kl: number;
  /** Over sequences. */
  stderr: number;
  sequences: number;
}

const LOSS = 'duo_eval_divergence';
/** Training counts its steps from 1; the noise of validation is that of the last steps there can be. */
const LAST_STEP = 2 ** 32 - 1;

export class DistillationValidation {
  private constructor(
    private readonly session: ModelSession,
    private readonly settings: DistillationSettings,
    private readonly batches: readonly Int32Array[][],
  ) {}

  /** @param sequences at most so many, the first of the text, in whole batches */
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
    const { batch } = problem;
    const count = Math.max(1, Math.floor(Math.min(sequences, text.sequences) / batch));
    const batches = Array.from({ length: count }, (_, i) =>
      Array.from({ length: batch }, (_, b) => text.sequence((i * batch + b) % text.sequences)),
    );
    return new DistillationValidation(session, settings, batches);
  }

  /** Of the average of the student's weights, which is what the checkpoint will hold. */
  async loss({ step, vectors: { average, teacher } }: SavedDistillation): Promise<HeldOutDivergence> {
    const { batch, length } = this.settings.problem;
    const gap = gapOfRound(roundOf(this.settings, step));
    const pairs = pairedBatches(this.settings);
    const perSequence: number[] = [];
    for (const [i, rows] of this.batches.entries()) {
      const feeds = {
        ...pairFeeds(this.settings, pairs(rows, LAST_STEP - i, gap)),
        weights: vectorOf(average),
        [TEACHER.weights]: vectorOf(teacher),
      };
      const outputs = await this.session.run(feeds, { label: `batch ${i}` });
      const losses = outputs[LOSS].data as Float32Array;
      for (let b = 0; b < batch; b++) {
        const own = losses.subarray(b * length, (b + 1) * length);
        perSequence.push(own.reduce((sum, loss) => sum + loss, 0) / length);
      }
    }
    const sequences = perSequence.length;
    const kl = perSequence.reduce((sum, loss) => sum + loss, 0) / sequences;
    const variance =
      perSequence.reduce((sum, loss) => sum + (loss - kl) ** 2, 0) / Math.max(1, sequences - 1);
    return { kl, stderr: Math.sqrt(variance / sequences), sequences };
  }

  async close(): Promise<void> {
    await this.session.close();
  }
}

const vectorOf = (data: Float32Array): TensorData => ({ type: 'float32', data, dims: [data.length] });
