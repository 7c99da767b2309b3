/** Tasks: models on questions with right answers, by the likelihood of the choices. */
import type { ScoringMethod } from '../evals/likelihood/question-walks.js';
import type { ExactLikelihoodSettings } from '../evals/perplexity/exact-likelihood.js';
import type { ItemLine } from '../evals/tasks/item-lines.js';
import type { RunnerSettings, Sweep } from '../evals/tasks/open-task.js';
import type { TasksResult } from '../evals/tasks/record.js';
import type { AskSettings, PreparedTask, TaskRun } from '../evals/tasks/run.js';
import type { Checkpoint, CheckpointOverrides } from '../models/checkpoint.js';
import type { Observer } from '../observer.js';
import type { ResultsFile } from '../records/record.js';
import {
  checkDistinctNames,
  openCheckpoint,
  type RuntimeSettings,
  runtimeOf,
  splitsOfHub,
} from './checkpoints.js';

export interface TasksTask extends RuntimeSettings {
  /** Checkpoints, or what {@link openCheckpoint} takes. */
  models: readonly (string | Checkpoint)[];
  /** Built-in tasks by name, or paths of task files: ours, or those of lm-evaluation-harness. */
  tasks: readonly string[];
  /** Files or folders of documents by task, as it is named in `tasks`, in place of what the task names. */
  data?: Readonly<Record<string, string>>;
  /**
   * What ln p of a continuation is, of masked models: `policy` (the default), exact in the order of `policy`; `evidence`, exact over
   * all orders, to 12 tokens; `bound`, from draws where there are more subsets than draws. Autoregressive models have the chain rule, and duo
   * its bound.
   */
  likelihood?: ScoringMethod;
  /** Of `policy`: by default left to right, one token a call. */
  policy?: Omit<ExactLikelihoodSettings, 'from'>;
  /** Draws per continuation, or with `until` the most of them; by default 128. */
  draws?: number;
  /** Draws go on until the chance that more of them would change an item's pick is at most this. */
  until?: number;
  /** By default 1. */
  seed?: number;
  /** What stands behind continuations: `none` (the default), `eos`, `masked`, or a text. */
  tail?: string;
  /** Whether BOS stands before every context (`always`, the default) or only before an empty one, as in lm-evaluation-harness. */
  bos?: 'always' | 'when-empty';
  /** Items longer than the model: `truncate` (the default) cuts them from the left, `refuse` stops. */
  tooLong?: 'truncate' | 'refuse';
  /**
   * Tasks that generate: the sampler (by default the first that drives the family; with options as `unmask:threshold=0.9`), and its steps
   * (32). Several are each a result, and AUP is of all of them. Draws are greedy.
   */
  sampler?: string | readonly string[];
  steps?: number | readonly number[];
  /** The best known accuracy, a share, which AUP weighs accuracies by; by default the best of these results. */
  bestAccuracy?: number;
  /** Examples before each question; by default those of the task. */
  fewShot?: number;
  /** Asks only this many items, spread over the split or the first; by default all. */
  selection?: { kind: 'spread' | 'first'; count: number };
  /** Asks every `of`-th of those: part `part`, from 1. `duo-eval merge` joins the results of all parts. */
  shard?: { part: number; of: number };
  /** A folder or a tokenizer.json; by default that of each checkpoint. */
  tokenizer?: string;
  /** Override the cards of models that are named by a path. */
  overrides?: CheckpointOverrides;
  /** Sequences per model call; changes no figure. */
  batch?: number;
  /** Results hold what came out for each item, for paired comparisons. */
  byItem?: boolean;
  /** Ignores what an interrupted run of the same task finished. */
  fresh?: boolean;
  /** Receives each item with its prompts, scores and pick. */
  onItem?(line: ItemLine): void;
  /** Receives the results before they are returned. An interrupted run can be continued until this has stored them. */
  keep?(results: ResultsFile<TasksResult>): void | Promise<void>;
}

/** What a run of tasks would do. */
export interface TasksPlan {
  model: string;
  task: string;
  /** What would write its answers, where it generates; null: the first sampler of the family. */
  sampler?: string | null;
  steps?: number;
  items: number;
  /** Continuations that are scored. */
  continuations: number;
  /** Model calls, shared ones once; at most, where `until` may end them sooner. Null where text is generated. */
  modelCalls: number | null;
  /** Tokens that they read. */
  readTokens: number | null;
}

/**
 * Every model on every task. An interrupted run continues when the same tasks are given again.
 * @returns one result per model and task, by task
 * @throws UsageError, ModelError, DataError, NumericalError, FileError; the reason of `observer.signal` when it aborts
 */
export async function evaluateTasks(
  task: TasksTask,
  observer: Observer = {},
): Promise<ResultsFile<TasksResult>> {
  const { runTask, taskResult } = await import('../evals/tasks/run.js');
  const { Runners } = await import('../evals/tasks/open-task.js');
  const { itemLines } = await import('../evals/tasks/item-lines.js');
  const { resultsFile } = await import('../records/record.js');
  const asked = await askedOf(task, observer);
  const { withAup } = await import('../evals/tasks/parallelism.js');
  const { sweptSettings } = await import('../evals/tasks/open-task.js');
  const found: TasksResult[][] = asked.tasks.map(() => []);
  const runs: TaskRun[] = [];
  try {
    for (const checkpoint of asked.checkpoints) {
      const options = await runnerSettings(checkpoint, task, asked, observer);
      const asks = new Map<string, { settings: AskSettings; places: number[] }>();
      for (const [t, { task: one }] of asked.tasks.entries())
        for (const settings of await sweptSettings(one, checkpoint, asked.settings, asked.sweep)) {
          const key = JSON.stringify(settings);
          asks.set(key, { settings, places: [...(asks.get(key)?.places ?? []), t] });
        }
      for (const { settings, places } of asks.values()) {
        const runners = new Runners({ ...options, ...settings }, settings);
        try {
          for (const t of places) {
            const prepared = asked.tasks[t];
            const runner = await runners.of(prepared.task);
            const run = await runTask(runner, prepared, settings, observer);
            runs.push(run);
            found[t].push(await taskResult(runner, prepared, run, { settings, byItem: true }));
            if (task.onItem) for (const line of itemLines(checkpoint.name, prepared, run)) task.onItem(line);
          }
        } finally {
          await runners.close();
        }
      }
    }
    const all = withAup(found.flat(), task.bestAccuracy ?? null);
    const results = resultsFile(task.byItem ? all : all.map(({ byItem: _, ...result }) => result));
    await task.keep?.(results);
    for (const run of runs) run.finish();
    return results;
  } catch (error) {
    for (const run of runs) run.close();
    throw error;
  }
}

/** What {@link evaluateTasks} would do, without a model call. @throws as evaluateTasks */
export async function planTasks(task: TasksTask, observer: Observer = {}): Promise<TasksPlan[]> {
  const { plannedCalls, sweptSettings } = await import('../evals/tasks/open-task.js');
  const asked = await askedOf(task, observer);
  const plans: TasksPlan[] = [];
  for (const checkpoint of asked.checkpoints) {
    const options = await runnerSettings(checkpoint, task, asked, observer);
    for (const prepared of asked.tasks) {
      const { task: one, items } = prepared;
      const calls = await plannedCalls(prepared, options, observer.signal);
      for (const { sampler, steps } of await sweptSettings(one, checkpoint, asked.settings, asked.sweep))
        plans.push({
          ...{ model: checkpoint.name, task: one.name, items: items.length },
          ...(one.output === 'generate_until' && { sampler, steps }),
          continuations: items.reduce((sum, { requests }) => sum + requests.length, 0),
          ...{ modelCalls: calls?.modelCalls ?? null, readTokens: calls?.readTokens ?? null },
        });
    }
  }
  return plans;
}

interface Asked {
  checkpoints: Checkpoint[];
  tasks: PreparedTask[];
  settings: AskSettings;
  sweep: Sweep;
}

async function askedOf(task: TasksTask, observer: Observer): Promise<Asked> {
  const { askSettings } = await import('../evals/tasks/open-task.js');
  const { readTask } = await import('../evals/tasks/task-files.js');
  await checkAsked(task);
  const samplers = [...new Set([task.sampler ?? []].flat())];
  const steps = [...new Set([task.steps ?? 32].flat())];
  // Tasks first: a name that is none is said before a model is fetched.
  const read = task.tasks.map((spec) => readTask(spec, (text) => observer.note?.(text)));
  checkDistinctNames(read.map(({ name }) => name));
  const checkpoints: Checkpoint[] = [];
  for (const model of task.models)
    checkpoints.push(
      typeof model === 'string'
        ? await openCheckpoint(model, { ...task.overrides, tokenizer: task.tokenizer }, observer)
        : model,
    );
  checkDistinctNames(checkpoints.map(({ name }) => name));
  const tasks: PreparedTask[] = [];
  for (const [i, one] of read.entries()) tasks.push(await preparedOf(one, task.tasks[i], task, observer));
  return {
    ...{ checkpoints, tasks },
    settings: askSettings({
      ...{ ...task, method: task.likelihood },
      ...{ sampler: samplers[0] ?? null, steps: steps[0] },
    }),
    sweep: { samplers, steps },
  };
}

/** @throws UsageError for numbers out of range, and data of a task that is not asked for */
async function checkAsked({
  draws = 2,
  until = 0,
  fewShot = 0,
  shard,
  bestAccuracy = 1,
}: TasksTask): Promise<void> {
  const { UsageError } = await import('../errors.js');
  const { checkedShard } = await import('../evals/shard.js');
  const wrong = (message: string, hint: string) =>
    new UsageError({ code: 'invalid-flag-value', message, hint });
  const isCount = (value: number, least: number) => Number.isInteger(value) && value >= least;
  if (!isCount(draws, 2)) throw wrong(`Draws are a whole number from 2 on, not ${draws}.`, 'Give 2 or more.');
  if (!(until >= 0 && until < 1))
    throw wrong(`A chance is between 0 and 1, not ${until}.`, 'Give --until 0.05.');
  if (!(bestAccuracy > 0 && bestAccuracy <= 1))
    throw wrong(`An accuracy is a share above 0, not ${bestAccuracy}.`, 'Give the best known one.');
  if (!isCount(fewShot, 0)) throw wrong(`Examples are a whole number, not ${fewShot}.`, 'Give 0 or more.');
  if (shard) checkedShard(shard);
}

async function preparedOf(
  read: PreparedTask['task'],
  spec: string,
  { data = {}, fewShot, selection, shard = undefined }: TasksTask,
  observer: Observer,
): Promise<PreparedTask> {
  const { prepareTask } = await import('../evals/tasks/open-task.js');
  return prepareTask(read, {
    ...{ data: data[spec] ?? data[read.name] ?? null, fewShot, fetch: splitsOfHub(observer) },
    selection: {
      ...{ limit: selection?.count ?? null, order: selection?.kind ?? 'spread' },
      shard: shard ?? null,
    },
  });
}

async function runnerSettings(
  checkpoint: Checkpoint,
  task: TasksTask,
  { settings }: Asked,
  observer: Observer,
): Promise<RunnerSettings> {
  const { tokenizerOf } = await import('../sampling/prepare-sampling.js');
  let loaded: ReturnType<typeof tokenizerOf> | null = null;
  return {
    ...settings,
    ...{ checkpoint, notice: observer.warn },
    ...(await runtimeOf(task)),
    tokenizer: () => {
      loaded ??= tokenizerOf(checkpoint, task.tokenizer);
      return loaded;
    },
  };
}
