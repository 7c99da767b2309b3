/** Zero-shot perplexity: every model on every data set, and the paired differences of the models. */
import type { DatasetRequest } from '../datasets/resolve-dataset.js';
import type { Selection } from '../datasets/selected-sequences.js';
import type { ModelAndStream, PerplexityRequest } from '../evals/perplexity/cells.js';
import type { PerplexityPlan } from '../evals/perplexity/dry-run.js';
import type { ExactLikelihoodSettings } from '../evals/perplexity/exact-likelihood.js';
import type { PerplexityResult } from '../evals/perplexity/record.js';
import type { PerplexityRun, RunSinks, SequenceRecord } from '../evals/perplexity/run.js';
import type { Checkpoint } from '../models/checkpoint.js';
import type { Observer } from '../observer.js';
import type { ResultsFile } from '../records/record.js';
import { checkDistinctNames, openCheckpoint, type RuntimeSettings, runtimeOf } from './checkpoints.js';

export interface PerplexityTask extends RuntimeSettings {
  /** Checkpoints, or what {@link openCheckpoint} takes. */
  models: readonly (string | Checkpoint)[];
  /** A name, `name=path`, a path, or one of these with its text column. By default `['sotu']`. */
  datasets?: readonly (string | DatasetRequest)[];
  /** A folder or a tokenizer.json; by default that of each checkpoint. */
  tokenizer?: string;
  /** Tokens per sequence; by default those of each checkpoint. */
  length?: number;
  /** `duo` (the default, as in published figures) or `strict`. */
  protocol?: 'duo' | 'strict';
  /** Draws of (t, z) per sequence; with `until`, the maximum. By default 1, or 256 with `until`. */
  draws?: number;
  /** Stops when half the 95% interval of nll over draws is at most this, in nats per token. */
  until?: number;
  /** By default what varies least: `exact-count` for mdlm, else `control-variate`. `plain` has several times the draw error of the same figure. */
  estimator?: 'control-variate' | 'plain' | 'exact-count';
  /**
   * Masked models: the exact likelihood of the sampler that follows this unmasking policy, in place of the bound. `draws`,
   * `until` and `estimator` then have no effect on them. Several policies: a row for each, and models without an order to choose
   * beside them.
   */
  likelihood?: ExactLikelihoodSettings | readonly ExactLikelihoodSettings[];
  /** Evaluates only this many sequences, spread over the data set or the first; by default all. */
  selection?: Selection;
  /** Seed of all randomness: the same seed gives the same figure at any batch size. By default 1. */
  seed?: number;
  /** Sequences per model call; changes no figure. */
  batch?: number;
  /** Results include the loss of each sequence, for paired comparisons. */
  sequences?: boolean;
  /** Ignores what an interrupted run of the same task finished. */
  fresh?: boolean;
  /** Receives the loss of every draw of every sequence, in nats. */
  onDraw?(record: SequenceRecord): void;
  /** Receives the results before they are returned. An interrupted run can be continued until this has stored them. */
  keep?(results: ResultsFile<PerplexityResult>): void | Promise<void>;
}

/** Draws that `until` may take when `draws` says nothing. */
const MOST_DRAWS = 256;

/**
 * Evaluates every model on every data set. An interrupted run continues when the same task is given again.
 * @returns one result per model and data set, by data set; differences in nats per text token
 * @throws ModelError, DataError, NumericalError, UsageError, FileError; the reason of `observer.signal` when it aborts
 */
export async function evaluatePerplexity(
  task: PerplexityTask,
  observer: Observer = {},
): Promise<ResultsFile<PerplexityResult>> {
  return withCells(task, observer, async (request, cells) => {
    const sinks = {
      ...observer,
      sequence: task.onDraw && ((record: SequenceRecord) => task.onDraw?.(record)),
    };
    const { results, finish, close } = await runOf(request, cells, task, sinks);
    try {
      await task.keep?.(results);
    } catch (error) {
      close();
      throw error;
    }
    finish();
    return results;
  });
}

async function runOf(
  request: PerplexityRequest,
  cells: readonly ModelAndStream[],
  { likelihood }: PerplexityTask,
  observer: Observer & RunSinks,
): Promise<PerplexityRun> {
  if (isSeveral(likelihood)) {
    const { exactLikelihood } = await import('../evals/perplexity/exact-likelihood.js');
    const { runPolicies } = await import('../evals/perplexity/run-policies.js');
    return runPolicies(request, cells, likelihood.map(exactLikelihood), observer);
  }
  const { runPerplexity } = await import('../evals/perplexity/run.js');
  return runPerplexity(request, cells, observer);
}

function isSeveral(
  likelihood: PerplexityTask['likelihood'],
): likelihood is readonly ExactLikelihoodSettings[] {
  return Array.isArray(likelihood);
}

/**
 * What {@link evaluatePerplexity} would do.
 * @param timed also about how long that takes, from a few sequences of each model; by default no model is called
 * @throws as evaluatePerplexity
 */
export async function planPerplexity(
  task: PerplexityTask & { timed?: boolean },
  observer: Observer = {},
): Promise<PerplexityPlan> {
  return withCells(task, observer, async (request, cells) => {
    const { planOf, timedPlan } = await import('../evals/perplexity/dry-run.js');
    const { exactLikelihood, likelihoodOf } = await import('../evals/perplexity/exact-likelihood.js');
    if (!isSeveral(task.likelihood))
      return task.timed ? timedPlan(cells, request, observer) : planOf(cells, request);
    const plans = task.likelihood.map(exactLikelihood).map((likelihood, i) => {
      // Models without an order are evaluated once.
      const own = cells.filter(({ checkpoint }) => i === 0 || likelihoodOf(checkpoint, { likelihood }));
      return planOf(own, { ...request, options: { ...request.options, likelihood } });
    });
    return { ...plans[0], cells: plans.flatMap((plan) => plan.cells) };
  });
}

/** Opens every model and packs every data set; closes them in the end. */
async function withCells<T>(
  task: PerplexityTask,
  observer: Observer,
  use: (request: PerplexityRequest, cells: readonly ModelAndStream[]) => Promise<T>,
): Promise<T> {
  const checkpoints: Checkpoint[] = [];
  for (const model of task.models)
    checkpoints.push(typeof model === 'string' ? await openCheckpoint(model, {}, observer) : model);
  checkDistinctNames(checkpoints.map(({ name }) => name));
  const { checkAnyOrder, exactLikelihood } = await import('../evals/perplexity/exact-likelihood.js');
  const { likelihood: asked } = task;
  if (asked) checkAnyOrder(checkpoints);
  const likelihood = asked && !isSeveral(asked) ? exactLikelihood(asked) : null;
  const { prepareCells } = await import('../evals/perplexity/cells.js');
  const request: PerplexityRequest = {
    checkpoints,
    datasets: (task.datasets ?? ['sotu']).map((one) => (typeof one === 'string' ? { spec: one } : one)),
    tokenizer: task.tokenizer,
    length: task.length,
    options: {
      protocol: task.protocol ?? 'duo',
      draws: task.draws ?? (task.until === undefined ? 1 : MOST_DRAWS),
      seed: task.seed ?? 1,
      estimator: task.estimator ?? null,
      selection: task.selection ?? null,
      until: task.until ?? null,
      batch: task.batch ?? null,
      sequences: task.sequences ?? false,
      likelihood,
    },
    fresh: task.fresh ?? false,
    ...(await runtimeOf(task)),
  };
  const cells = await prepareCells(request, observer);
  try {
    return await use(request, cells);
  } finally {
    for (const { stream } of cells) stream.close();
  }
}
