/** Tasks: models on questions with right answers, by the likelihood of the choices. */
import type { ScoringMethod } from '../evals/likelihood/question-walks.js';
import type { ScoringSession } from '../evals/likelihood/scored-questions.js';
import type { ScoringSettings } from '../evals/likelihood/scoring-session.js';
import type { ExactLikelihoodSettings } from '../evals/perplexity/exact-likelihood.js';
import type { DocumentsOptions } from '../evals/tasks/documents.js';
import type { ItemLine } from '../evals/tasks/item-lines.js';
import type { ItemRunner } from '../evals/tasks/item-runner.js';
import type { TasksResult } from '../evals/tasks/record.js';
import type { AskSettings, PreparedTask, TaskRun } from '../evals/tasks/run.js';
import type { ItemSelection } from '../evals/tasks/task-items.js';
import type { Checkpoint } from '../models/checkpoint.js';
import type { Observer } from '../observer.js';
import type { ResultsFile } from '../records/record.js';
import {
  checkDistinctNames,
  hubConnection,
  openCheckpoint,
  type RuntimeSettings,
  runtimeOf,
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
  /** Tasks that generate: the sampler (by default the first that drives the family), and its steps (32). Draws are greedy. */
  sampler?: string;
  steps?: number;
  /** Examples before each question; by default those of the task. */
  fewShot?: number;
  /** Asks only this many items, spread over the split or the first; by default all. */
  selection?: { kind: 'spread' | 'first'; count: number };
  /** Asks every n-th of those: part `index` (from 1) of `of`. */
  shard?: { index: number; of: number };
  /** A folder or a tokenizer.json; by default that of each checkpoint. */
  tokenizer?: string;
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
  items: number;
  /** Continuations that are scored. */
  continuations: number;
  /** Model calls, shared ones once; at most, where `until` may end them sooner. Null where text is generated. */
  modelCalls: number | null;
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
  const { itemLines } = await import('../evals/tasks/item-lines.js');
  const { resultsFile } = await import('../records/record.js');
  const asked = await askedOf(task, observer);
  const { settings, byItem } = { settings: asked.settings, byItem: task.byItem ?? false };
  const found: TasksResult[][] = asked.tasks.map(() => []);
  const runs: TaskRun[] = [];
  try {
    for (const checkpoint of asked.checkpoints) {
      const runners = new Map<boolean, ItemRunner>();
      try {
        for (const [t, prepared] of asked.tasks.entries()) {
          const generates = prepared.task.output === 'generate_until';
          const runner =
            runners.get(generates) ?? (await runnerOf(generates, checkpoint, task, asked, observer));
          runners.set(generates, runner);
          const run = await runTask(runner, prepared, settings, observer);
          runs.push(run);
          found[t].push(await taskResult(runner, prepared, run, { settings, byItem }));
          if (task.onItem) for (const line of itemLines(checkpoint.name, prepared, run)) task.onItem(line);
        }
      } finally {
        for (const runner of runners.values()) await runner.close();
      }
    }
    const results = resultsFile(found.flat());
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
  const { planScoring } = await import('../evals/likelihood/scoring-session.js');
  const { ScoringRunner } = await import('../evals/tasks/item-runner.js');
  const asked = await askedOf(task, observer);
  const plans: TasksPlan[] = [];
  for (const checkpoint of asked.checkpoints) {
    for (const { task: one, items } of asked.tasks) {
      const session: ScoringSession = planScoring(await scoringOf(checkpoint, task, asked, observer));
      if (one.output !== 'generate_until')
        await new ScoringRunner(session).run(one, items, { signal: observer.signal, found: () => {} });
      plans.push({
        ...{ model: checkpoint.name, task: one.name, items: items.length },
        continuations: items.reduce((sum, { requests }) => sum + requests.length, 0),
        modelCalls: one.output === 'generate_until' ? null : session.modelCalls,
      });
    }
  }
  return plans;
}

interface Asked {
  checkpoints: Checkpoint[];
  tasks: PreparedTask[];
  settings: AskSettings;
}

async function askedOf(task: TasksTask, observer: Observer): Promise<Asked> {
  const { exactLikelihood } = await import('../evals/perplexity/exact-likelihood.js');
  const { readTask } = await import('../evals/tasks/task-files.js');
  await checkAsked(task);
  // Tasks first: a name that is none is said before a model is fetched.
  const read = task.tasks.map((spec) => readTask(spec, (text) => observer.note?.(text)));
  checkDistinctNames(read.map(({ name }) => name));
  const checkpoints: Checkpoint[] = [];
  for (const model of task.models)
    checkpoints.push(
      typeof model === 'string'
        ? await openCheckpoint(model, { tokenizer: task.tokenizer }, observer)
        : model,
    );
  checkDistinctNames(checkpoints.map(({ name }) => name));
  const tasks: PreparedTask[] = [];
  for (const [i, one] of read.entries()) tasks.push(await preparedOf(one, task.tasks[i], task, observer));
  return {
    ...{ checkpoints, tasks },
    settings: {
      method: task.likelihood ?? 'policy',
      likelihood: exactLikelihood(task.policy ?? { policy: 'left-to-right' }),
      ...{ draws: task.draws ?? 128, until: task.until ?? null, seed: task.seed ?? 1 },
      ...{ tail: task.tail ?? 'none', bos: task.bos ?? 'always', tooLong: task.tooLong ?? 'truncate' },
      ...{ batch: task.batch ?? null, fresh: task.fresh ?? false },
      ...{ sampler: task.sampler ?? null, steps: task.steps ?? 32 },
    },
  };
}

/** @throws UsageError for numbers out of range, and data of a task that is not asked for */
async function checkAsked({ draws = 2, until = 0, fewShot = 0, shard }: TasksTask): Promise<void> {
  const { UsageError } = await import('../errors.js');
  const wrong = (message: string, hint: string) =>
    new UsageError({ code: 'invalid-flag-value', message, hint });
  const isCount = (value: number, least: number) => Number.isInteger(value) && value >= least;
  if (!isCount(draws, 2)) throw wrong(`Draws are a whole number from 2 on, not ${draws}.`, 'Give 2 or more.');
  if (!(until >= 0 && until < 1))
    throw wrong(`A chance is between 0 and 1, not ${until}.`, 'Give --until 0.05.');
  if (!isCount(fewShot, 0)) throw wrong(`Examples are a whole number, not ${fewShot}.`, 'Give 0 or more.');
  if (shard && !(isCount(shard.of, 1) && isCount(shard.index, 1) && shard.index <= shard.of))
    throw wrong(`There is no shard ${shard.index}/${shard.of}.`, 'Shards are 1/n to n/n.');
}

async function preparedOf(
  read: PreparedTask['task'],
  spec: string,
  { data = {}, fewShot, selection: chosen, shard = undefined }: TasksTask,
  observer: Observer,
): Promise<PreparedTask> {
  const { documentsOf } = await import('../evals/tasks/documents.js');
  const { itemsOf } = await import('../evals/tasks/task-items.js');
  const task = fewShot === undefined ? read : { ...read, shots: { ...read.shots, count: fewShot } };
  const options: DocumentsOptions = {
    data: data[spec] ?? data[task.name] ?? null,
    fetch: async (repo, config, split) => {
      const { fetchTable } = await import('../datasets/hub/fetch-table.js');
      return fetchTable({ repo, config, split }, await hubConnection(observer, HUB_TIMEOUT_MS), (bytes) =>
        observer.note?.(`Fetching ${(bytes / 1e6).toPrecision(2)} MB of ${repo}, split ${split}.`),
      );
    },
  };
  const documents = await documentsOf(task, task.split, options);
  const { split } = task.shots;
  const shots =
    task.shots.count === 0
      ? null
      : split === task.split
        ? documents
        : await shotDocuments(task, split, options, documentsOf);
  const selection: ItemSelection = {
    ...{ limit: chosen?.count ?? null, order: chosen?.kind ?? 'spread' },
    shard: shard ?? null,
  };
  return { task, documents, items: itemsOf(task, documents, shots, selection), selection };
}

const HUB_TIMEOUT_MS = 30_000;

async function shotDocuments(
  task: PreparedTask['task'],
  split: string | null,
  options: DocumentsOptions,
  read: typeof import('../evals/tasks/documents.js').documentsOf,
): Promise<PreparedTask['documents']> {
  const { documents } = task.shots;
  if (documents !== null) {
    const placed = documents.map((document, i) => ({ document, where: `example ${i}`, config: null }));
    return { documents: placed, sha256: '' };
  }
  if (split !== null) return read(task, split, options);
  const { UsageError } = await import('../errors.js');
  throw new UsageError({
    code: 'no-few-shot-split',
    message: `${task.name} names no split that examples could come from.`,
    hint: 'Leave out --few-shot, or name one in the task file.',
  });
}

/** What answers: a network that scores, or one that generates. */
async function runnerOf(
  generates: boolean,
  checkpoint: Checkpoint,
  task: TasksTask,
  asked: Asked,
  observer: Observer,
): Promise<ItemRunner> {
  const options = await scoringOf(checkpoint, task, asked, observer);
  if (generates) {
    const { GeneratingRunner } = await import('../evals/tasks/generated-items.js');
    return GeneratingRunner.start({ ...asked.settings, ...options });
  }
  const { openScoring } = await import('../evals/likelihood/scoring-session.js');
  const { ScoringRunner } = await import('../evals/tasks/item-runner.js');
  return new ScoringRunner(await openScoring(options));
}

async function scoringOf(
  checkpoint: Checkpoint,
  task: TasksTask,
  { settings }: Asked,
  observer: Observer,
): Promise<ScoringSettings & Required<Pick<ScoringSettings, 'tokenizer'>>> {
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
