/**
 * The part `ppl` of a suite: every model on every data set, from every seed. Cells of one model are opened together, share
 * its session, and continue from their journals.
 *
 *     ppl:
 *       protocol: duo
 *       draws: 4
 *       seeds: [1, 2]
 *       likelihood: {policy: max-probability, tokensPerCall: 4}
 */

import { z } from 'zod';
import type { PackedStream } from '../../datasets/packed-stream.js';
import { OVER_ORDERS } from '../../diffusion/subsets.js';
import { STARTS, TIE_RULES, UNMASKING_ORDERS } from '../../diffusion/unmasking.js';
import type { Checkpoint } from '../../models/checkpoint.js';
import { blockSizeOf, callsPerDraw } from '../../models/family.js';
import { providerOf } from '../../models/provider.js';
import { parametersOf } from '../../models/stored-weights.js';
import type { Observer } from '../../observer.js';
import { prepareCells } from '../perplexity/cells.js';
import { secondsPerCall } from '../perplexity/dry-run.js';
import { callsOfSequence, exactLikelihood, likelihoodOf, usesSeed } from '../perplexity/exact-likelihood.js';
import { areLossesKept } from '../perplexity/loss-journal.js';
import { LossSession } from '../perplexity/loss-session.js';
import type { PerplexityResult } from '../perplexity/record.js';
import { evaluatedOf, lossKey, runPerplexity, runPerplexityPart } from '../perplexity/run.js';
import type { PerplexityOptions } from '../perplexity/zero-shot-perplexity.js';
import type { Cell, CellKind, SuiteContext, SuiteSettings } from './cell.js';
import { modelRecordIn, ONE_SELECTION, type SuiteDataset, type SuiteModel } from './named-files.js';

const count = z.int().min(1);

/** An unmasking policy, for exact likelihoods. */
export const policyKeys = {
  policy: z.enum(UNMASKING_ORDERS),
  tokensPerCall: count.optional(),
  blockSize: count.optional(),
  ties: z.enum(TIE_RULES).optional(),
  threshold: z.number().optional(),
  entropyBound: z.number().positive().optional(),
};

const schema = z
  .strictObject({
    protocol: z.enum(['duo', 'strict']).default('duo'),
    length: count.min(3).optional(),
    draws: count.optional(),
    until: z.number().positive().optional(),
    estimator: z.enum(['control-variate', 'plain', 'exact-count']).optional(),
    limit: count.optional(),
    first: count.optional(),
    seeds: z.array(z.int().nonnegative()).min(1).default([1]),
    batch: count.max(4096).optional(),
    likelihood: z
      .strictObject({
        ...policyKeys,
        from: z.enum(STARTS).optional(),
        overOrders: z.enum(OVER_ORDERS).optional(),
      })
      .optional(),
  })
  .refine(...ONE_SELECTION);
type Asked = z.infer<typeof schema>;

/** One perplexity: a model on a data set, from one seed. */
export interface PerplexityCell {
  eval: 'ppl';
  /** Index in the suite, from 0. */
  index: number;
  model: SuiteModel;
  dataset: SuiteDataset;
  options: PerplexityOptions;
  length?: number;
  /** Whether its seed is not the first, which gives nothing new for a model whose loss is exact. */
  isRepeat: boolean;
}

/** Draws that `until` may take when `draws` is not given. */
const MOST_DRAWS = 256;

/** Increased whenever a cell kept under the same key would hold something else. */
const CELL_VERSION = 2;

export const PERPLEXITY_CELLS: CellKind<Asked, PerplexityCell, PerplexityResult> = {
  name: 'ppl',
  schema,
  readsDatasets: true,
  hasOneResult: true,
  requests,
  checkpoints: ({ model }) => [model.path],
  samplers: () => [],
  group: ({ model }) => model.name,
  open,
};

/** By data set, then model, then seed: a reader compares models on one data set. */
function requests(asked: Asked, { models, datasets, first: firstIndex }: SuiteContext): PerplexityCell[] {
  const { protocol, estimator = null, limit, first, until = null, batch = null, length } = asked;
  const selection: PerplexityOptions['selection'] =
    first !== undefined
      ? { kind: 'first', count: first }
      : limit !== undefined
        ? { kind: 'spread', count: limit }
        : null;
  const draws = asked.draws ?? (until === null ? 1 : MOST_DRAWS);
  const likelihood = asked.likelihood ? exactLikelihood(asked.likelihood) : null;
  const seeds = [...new Set(asked.seeds)];
  return datasets
    .flatMap((dataset) => models.flatMap((model) => seeds.map((seed) => ({ dataset, model, seed }))))
    .map(({ seed, ...cell }, i) => ({
      eval: 'ppl',
      index: firstIndex + i,
      ...cell,
      length,
      isRepeat: seed !== seeds[0],
      options: { protocol, draws, seed, estimator, selection, until, batch, sequences: true, likelihood },
    }));
}

async function open<T>(
  cells: readonly PerplexityCell[],
  suite: SuiteSettings,
  observer: Observer,
  work: (cells: readonly Cell<PerplexityResult>[]) => Promise<T>,
): Promise<T> {
  const [{ model, options, length }] = cells;
  const { provider, fresh } = suite;
  const checkpoint = await suite.open(model);
  const datasets = [...new Map(cells.map(({ dataset }) => [dataset.name, dataset])).values()];
  const prepared = await prepareCells(
    { checkpoints: [checkpoint], datasets, length, options, provider, fresh },
    observer,
  );
  const running = new RunningCheckpoint(checkpoint, suite, observer);
  try {
    const names = datasets.map(({ name }) => name);
    const opened: Cell<PerplexityResult>[] = [];
    for (const cell of cells) {
      const { stream } = prepared[names.indexOf(cell.dataset.name)];
      opened.push(await openedCell(cell, stream, running));
    }
    return await work(opened);
  } finally {
    await running.close();
    for (const { stream } of prepared) stream.close();
  }
}

async function openedCell(
  cell: PerplexityCell,
  stream: PackedStream,
  running: RunningCheckpoint,
): Promise<Cell<PerplexityResult>> {
  const { model, dataset, options } = cell;
  const { checkpoint, suite, observer } = running;
  const likelihood = likelihoodOf(checkpoint, options);
  const seeded = usesSeed(checkpoint, options);
  const sequences = evaluatedOf(stream, options);
  const draws = checkpoint.family === 'ar' || likelihood !== null ? 1 : options.draws;
  const modelCalls =
    sequences *
    (likelihood === null
      ? draws * callsPerDraw(checkpoint.family)
      : callsOfSequence(stream.length, likelihood, blockSizeOf(checkpoint)));
  const losses = await lossKey(checkpoint, stream, options, providerOf(suite.provider));
  const key = { cell: CELL_VERSION, losses, draws, until: options.until };
  return {
    index: cell.index,
    key: !seeded && cell.isRepeat ? null : key,
    plan: (state) => ({
      model: model.name,
      dataset: dataset.name,
      seed: seeded ? options.seed : null,
      sequences,
      draws,
      modelCalls,
      weight: modelCalls * stream.length * parametersOf(checkpoint),
      state,
    }),
    named: ([kept]) => [
      {
        ...kept,
        model: modelRecordIn(model, kept.model),
        dataset: { ...kept.dataset, name: dataset.name },
      },
    ],
    learn: ([{ cost }]) => running.learn(cost.wallSeconds ?? 0, cost.modelCalls),
    async estimate() {
      const seconds = modelCalls * (await running.secondsPerCall(cell, stream));
      return async () => seconds;
    },
    // Where a run with `until` ends depends on all sequences.
    ...(options.until === null && {
      parts: {
        async run(range) {
          const session = likelihood === null ? await running.session() : undefined;
          const request = { ...suite, checkpoints: [checkpoint], datasets: [], options, session };
          await runPerplexityPart(request, { checkpoint, stream }, { for: key, range }, observer);
        },
        areKept: (ranges) => areLossesKept(losses, { sequences, draws }, { for: key, ranges }),
      },
    }),
    async run(keep) {
      // A policy has a session of its own.
      const session = likelihood === null ? await running.session() : undefined;
      const run = await runPerplexity(
        { ...suite, checkpoints: [checkpoint], datasets: [], options, session, parts: { for: key } },
        [{ checkpoint, stream }],
        { ...observer, evaluated: (result) => keep([result]) },
      );
      run.finish();
    },
  };
}

/** The model of a group: its session, which starts with the first cell that needs it, and its pace. */
class RunningCheckpoint {
  private started: Promise<LossSession> | null = null;
  private pace: number | null = null;
  private keptSeconds = 0;
  private keptCalls = 0;

  constructor(
    readonly checkpoint: Checkpoint,
    readonly suite: SuiteSettings,
    readonly observer: Observer,
  ) {}

  session(): Promise<LossSession> {
    const { checkpoint, suite, observer } = this;
    const { provider, threads, timeoutMs } = suite;
    const notice = observer.warn;
    this.started ??= LossSession.start({ checkpoint, provider, threads, timeoutMs, notice });
    return this.started;
  }

  learn(seconds: number, calls: number): void {
    this.keptSeconds += seconds;
    this.keptCalls += calls;
  }

  /** From kept cells, else from a trial. */
  async secondsPerCall(cell: PerplexityCell, stream: PackedStream): Promise<number> {
    const { keptSeconds, keptCalls } = this;
    if (keptCalls > 0 && keptSeconds > 0) return keptSeconds / keptCalls;
    this.pace ??= await secondsPerCall(await this.session(), stream, cell.options, this.observer);
    return this.pace;
  }

  async close(): Promise<void> {
    // A session that did not start has nothing to close; the error was thrown where it was asked for.
    const session = await this.started?.catch(() => null);
    await session?.close();
  }
}
