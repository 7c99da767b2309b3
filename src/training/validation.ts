/**
 * The training loss on held-out text with fixed noise: every call uses the same sequences, times and z, so two of its figures
 * differ by the weights alone. It serves to watch a run; a model's quality is measured by the evaluations.
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
import { feedsWithoutCurriculum } from './step-feeds.js';

export interface ValidationLoss {
  /** Nats per token: negative log-likelihood for ar, a bound on it otherwise. */
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

  /** @param sequences how many, at most: the first of the text */
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
      feeds: feedsWithoutCurriculum(settings, schedule, rows, step),
      counted,
    }));
    return new Validation(session, settings, batches);
  }

  /** @param weights as TrainingSession.read returns them */
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
        // Behind the noisy sequences may come the clean ones (noisy-batch.ts).
        const sequence = rows ? Number(rows[2 * at]) % batch : Math.floor(at / length);
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
