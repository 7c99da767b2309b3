/**
 * The training loss on held-out text, with the noise held fixed: the same sequences at the same times and with the same z
 * whenever it is asked for, so that two of its figures differ by the weights alone. To watch a run by; what a model is worth
 * is measured by the evaluations.
 */

import { HEAD } from '../diffusion/heads/head.js';
import { noiseSchedule } from '../diffusion/schedule.js';
import { packedOffsets, readWeightsFrom } from '../graph/packed-weights.js';
import { prune } from '../graph/prune.js';
import type { Feeds } from '../models/feeds.js';
import { type ModelSession, startSession } from '../models/session.js';
import { type HeldOutBatch, heldOutBatches, meanOverSequences } from './held-out.js';
import { objectiveGraph, TOKEN_WEIGHTS } from './objective.js';
import type { TrainingSettings, TrainingText } from './settings.js';
import { plainFeeds } from './step-feeds.js';

export interface ValidationLoss {
  /** Nats a token: negative log-likelihood of ar, a bound on it otherwise. */
  nelbo: number;
  /** Over sequences. */
  stderr: number;
  sequences: number;
}

export class Validation {
  private constructor(
    private readonly session: ModelSession,
    private readonly settings: TrainingSettings,
    private readonly batches: readonly (Pick<HeldOutBatch, 'counted'> & { feeds: Feeds })[],
  ) {}

  /** @param sequences at most so many, the first of the text */
  static async start(
    settings: TrainingSettings,
    text: TrainingText,
    { sequences, threads }: { sequences: number; threads?: number },
  ): Promise<Validation> {
    const { graph, parameters } = objectiveGraph(settings.problem);
    readWeightsFrom(graph.input('weights', 'float32', [packedOffsets(parameters).total]), parameters);
    graph.output(graph.value(HEAD.loss, 'float32'));
    prune(graph.proto);
    const session = await startSession({ graph: graph.toBytes(), folder: '', threads, label: 'validation' });
    const { batch } = settings.problem;
    const schedule = noiseSchedule(settings.schedule);
    const batches = heldOutBatches(text, sequences, batch).map(({ rows, counted, step }) => ({
      feeds: plainFeeds(settings, schedule, rows, step),
      counted,
    }));
    return new Validation(session, settings, batches);
  }

  /** @param weights as the training session reads them out */
  async loss(weights: Float32Array): Promise<ValidationLoss> {
    const { batch, length } = this.settings.problem;
    const perSequence: number[] = [];
    for (const [i, { feeds, counted }] of this.batches.entries()) {
      const vector = { type: 'float32', data: weights, dims: [weights.length] } as const;
      const outputs = await this.session.run({ ...feeds, weights: vector }, { label: `batch ${i}` });
      const tokenWeights = feeds[TOKEN_WEIGHTS];
      const losses = outputs[HEAD.loss].data as Float32Array;
      const rows = feeds[HEAD.rows]?.data as BigInt64Array | undefined;
      const sums = new Float64Array(batch);
      for (const [at, loss] of losses.entries()) {
        const sequence = rows ? Number(rows[2 * at]) : Math.floor(at / length);
        sums[sequence] += loss * Number(tokenWeights.data[at]) * batch;
      }
      perSequence.push(...sums.subarray(0, counted));
    }
    const { mean, ...rest } = meanOverSequences(perSequence);
    return { nelbo: mean, ...rest };
  }

  async close(): Promise<void> {
    await this.session.close();
  }
}
