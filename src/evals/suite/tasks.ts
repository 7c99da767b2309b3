/**
 * The part `tasks` of a suite: every model on every task. Cells of one model are opened together, share its network, and continue from their
 * journals.
 *
 *     tasks:
 *       tasks: [arc_easy, my.yaml, {task: sudoku_4x4, data: sudoku.jsonl}]
 *       limit: 500
 *       likelihood: bound          # or evidence, or a policy: {policy: max-probability, tokensPerCall: 2}
 */
import { z } from 'zod';
import type { Tokenizer } from '../../datasets/tokenizer.js';
import type { Checkpoint } from '../../models/checkpoint.js';
import { providerOf } from '../../models/provider.js';
import { parametersOf } from '../../models/stored-weights.js';
import type { Observer } from '../../observer.js';
import type { ChosenSampler } from '../../samplers/sampler.js';
import { tokenizerOf } from '../../sampling/prepare-sampling.js';
import {
  askSettings,
  ofSampler,
  plannedCalls,
  prepareTask,
  type RunnerSettings,
  Runners,
} from '../tasks/open-task.js';
import type { TasksResult } from '../tasks/record.js';
import {
  type AskSettings,
  areOutcomesKept,
  outcomesKey,
  type PreparedTask,
  protocolOf,
  runTask,
  taskResult,
} from '../tasks/run.js';
import { isGenerated } from '../tasks/task.js';
import { readTask } from '../tasks/task-files.js';
import type { ItemSelection } from '../tasks/task-items.js';
import type { Cell, CellKind, SuiteContext, SuiteSettings } from './cell.js';
import { modelRecordIn, ONE_SELECTION, resolveFrom, type SuiteModel } from './named-files.js';
import { policyKeys } from './perplexity.js';
import { placesOf, samplerOfCell, samplersOf, samplingKeys, unique } from './sampling-keys.js';
import { givenOptions, samplingLabel } from './sampling-work.js';

const count = z.int().min(1);

const schema = z
  .strictObject({
    tasks: z
      .array(
        z.union([
          z.string().min(1),
          z.strictObject({ task: z.string().min(1), data: z.string().min(1).optional() }),
        ]),
      )
      .min(1),
    fewShot: z.int().min(0).max(100).optional(),
    limit: count.optional(),
    first: count.optional(),
    likelihood: z.union([z.enum(['evidence', 'bound']), z.strictObject(policyKeys)]).optional(),
    draws: count.min(2).optional(),
    until: z.number().positive().lt(1).optional(),
    seed: z.int().nonnegative().optional(),
    tail: z.string().optional(),
    bos: z.enum(['always', 'when-empty']).optional(),
    tooLong: z.enum(['truncate', 'refuse']).optional(),
    samplers: samplingKeys.samplers,
    steps: z.union([count, z.array(count).min(1)]).optional(),
    batch: count.max(4096).optional(),
  })
  .refine(...ONE_SELECTION);
type Asked = z.infer<typeof schema>;

/** A model on a task. */
export interface TaskCell {
  eval: 'tasks';
  /** Index in the suite, from 0. */
  index: number;
  model: SuiteModel;
  /** A name or a path, and the path of its documents; null: those that it names. */
  task: string;
  data: string | null;
  fewShot: number | undefined;
  selection: ItemSelection;
  /** But for the sampler. */
  settings: Omit<AskSettings, 'fresh'>;
  /** All samplers of the part, and the index of its own; 0 where none is named. */
  samplers: ChosenSampler[];
  place: number;
  /** One of several numbers of steps or samplers, and whether its steps are not the first. */
  isSwept: boolean;
  isOtherSteps: boolean;
}

/** Increased whenever a cell kept under the same key would hold something else. */
const CELL_VERSION = 1;

export const TASK_CELLS: CellKind<Asked, TaskCell, TasksResult> = {
  name: 'tasks',
  schema,
  hasOneResult: true,
  requests,
  checkpoints: ({ model }) => [model.path],
  samplers: ({ samplers }) => samplers.map(({ spec }) => spec),
  group: ({ model, place, settings: { steps } }) => `${model.name} ${place} ${steps}`,
  open,
};

/** By task, then model: a reader compares models on one task. */
function requests(asked: Asked, { models, first: firstIndex, folder }: SuiteContext): TaskCell[] {
  const { tasks, fewShot, limit, first, likelihood, samplers, steps = 32, ...others } = asked;
  const selection: ItemSelection = {
    ...{ limit: limit ?? first ?? null, order: first === undefined ? 'spread' : 'first', shard: null },
  };
  const { fresh: _, ...settings } = askSettings({
    ...others,
    ...(typeof likelihood === 'string' ? { method: likelihood } : { policy: likelihood }),
  });
  const chosen = samplersOf(samplers, folder);
  const named = tasks.map((one) => (typeof one === 'string' ? { task: one } : one));
  return named
    .flatMap(({ task, data }) => models.map((model) => ({ task, data, model })))
    .flatMap((one) => placesOf(chosen).map((place) => ({ ...one, place })))
    .flatMap((one) => unique([steps].flat()).map((each, s) => ({ ...one, each, s })))
    .map(({ task, data, model, place, each, s }, i) => ({
      ...{ eval: 'tasks', index: firstIndex + i, model, fewShot, selection },
      ...{ settings: { ...settings, steps: each }, samplers: chosen, place },
      ...{ isSwept: Array.isArray(steps) || chosen.length > 1, isOtherSteps: s > 0 },
      task: /\.ya?ml$/i.test(task) ? resolveFrom(folder, task) : task,
      data: data === undefined ? null : resolveFrom(folder, data),
    }));
}

async function open<T>(
  cells: readonly TaskCell[],
  suite: SuiteSettings,
  observer: Observer,
  work: (cells: readonly Cell<TasksResult>[]) => Promise<T>,
): Promise<T> {
  const [first] = cells;
  const checkpoint = await suite.open(first.model);
  const prepared: PreparedTask[] = [];
  for (const { task, data, fewShot, selection } of cells) {
    const read = readTask(task, (text) => observer.note?.(text));
    prepared.push(await prepareTask(read, { data, fewShot, selection, fetch: suite.fetchSplit }));
  }
  // Only what is generated has a sampler, and must have one that fits.
  const isWritten = prepared.some(({ task }) => isGenerated(task));
  const sampler = isWritten ? await samplerOfCell(first, checkpoint) : null;
  const own = first.samplers.length > 0 && sampler !== null ? ofSampler(sampler) : {};
  const settings: AskSettings = { ...first.settings, ...own, fresh: suite.fresh };
  const running = new RunningTasks(checkpoint, settings, suite, observer);
  try {
    const opened: Cell<TasksResult>[] = [];
    for (const [i, cell] of cells.entries()) {
      const isNeeded = isGenerated(prepared[i].task)
        ? sampler !== null
        : cell.place === 0 && !cell.isOtherSteps;
      opened.push(await openedCell(cell, prepared[i], { running, isNeeded }));
    }
    return await work(opened);
  } finally {
    await running.runners.close();
  }
}

async function openedCell(
  { index, model, samplers, place, isSwept }: TaskCell,
  prepared: PreparedTask,
  { running, isNeeded }: { running: RunningTasks; isNeeded: boolean },
): Promise<Cell<TasksResult>> {
  const { checkpoint, settings, suite, observer, runners } = running;
  const { task, items, documents } = prepared;
  const { sha256: tokenizerSha256 } = await running.options.tokenizer();
  const planned = await plannedCalls(prepared, running.options, observer.signal);
  // What is generated takes a call a step at most, and of ar one a token.
  const perItem = checkpoint.family === 'ar' ? (task.generation?.tokens ?? 0) : settings.steps + 1;
  const modelCalls = planned?.modelCalls ?? items.length * perItem;
  const { shots, name, path } = task;
  const isWritten = isGenerated(task);
  const sampling = samplingLabel(samplers.length > 1 ? samplers[place].spec : undefined, settings.steps);
  const { seed, draws } = protocolOf(task, checkpoint.family, settings);
  const outcomes = await outcomesKey(checkpoint, providerOf(suite.provider), {
    ...prepared,
    settings,
    tokenizerSha256,
  });
  const key = {
    cell: CELL_VERSION,
    outcomes,
    ...{ task: task.sha256, name, documents: documents.sha256, shots: shots.count },
    // Cells of earlier versions hold no calls of single items, which AUP needs.
    ...(isSwept && isWritten && { parallelism: 1 }),
  };
  return {
    index,
    key: isNeeded ? key : null,
    plan: (state) => ({
      ...{ model: model.name, dataset: isSwept ? [name, sampling].join(', ') : name },
      samplerOptions: samplers.length > 1 ? givenOptions(samplers[place].options ?? []) : undefined,
      ...{ seed, sequences: items.length },
      ...{ draws: draws ?? 1, modelCalls, state },
      weight: modelCalls * (checkpoint.fields.length.value ?? 1) * parametersOf(checkpoint),
    }),
    named: ([kept]) => [{ ...kept, model: modelRecordIn(model, kept.model), task: { ...kept.task, path } }],
    learn: ([{ cost }]) => running.learn(cost.wallSeconds ?? 0, cost.modelCalls),
    async estimate() {
      const seconds = modelCalls * (await running.secondsPerCall(prepared));
      return async () => seconds;
    },
    parts: {
      async run(range) {
        const parts = { for: key, range };
        const run = await runTask(await runners.of(task), prepared, settings, observer, parts);
        run.close();
      },
      areKept: (ranges) => areOutcomesKept(outcomes, items, { for: key, ranges }),
    },
    async run(keep) {
      const runner = await runners.of(task);
      const run = await runTask(runner, prepared, settings, observer, { for: key });
      try {
        await keep([await taskResult(runner, prepared, run, { settings, byItem: true })]);
      } catch (error) {
        run.close();
        throw error;
      }
      run.finish();
    },
  };
}

/** The model of a group: what runs it, and its pace. */
class RunningTasks {
  readonly options: RunnerSettings;
  readonly runners: Runners;
  private seconds = 0;
  private calls = 0;

  constructor(
    readonly checkpoint: Checkpoint,
    readonly settings: AskSettings,
    readonly suite: SuiteSettings,
    readonly observer: Observer,
  ) {
    const { provider, threads, timeoutMs } = suite;
    let tokenizer: Promise<Tokenizer> | null = null;
    this.options = {
      ...settings,
      ...{ checkpoint, provider, threads, timeoutMs, notice: observer.warn },
      tokenizer: () => {
        tokenizer ??= tokenizerOf(checkpoint, undefined);
        return tokenizer;
      },
    };
    this.runners = new Runners(this.options, settings);
  }

  learn(seconds: number, calls: number): void {
    this.seconds += seconds;
    this.calls += calls;
  }

  /** From kept cells, else from a trial of a few items, of which the first does not count. */
  async secondsPerCall({ task, items }: PreparedTask): Promise<number> {
    if (this.calls === 0 || this.seconds === 0) {
      const runner = await this.runners.of(task);
      const asked = { signal: this.observer.signal, found() {} };
      await runner.run(task, items.slice(0, 1), asked);
      const [before, started] = [runner.modelCalls, performance.now()];
      await runner.run(task, items.slice(0, TRIAL_ITEMS), asked);
      this.learn((performance.now() - started) / 1000, runner.modelCalls - before);
    }
    return this.seconds / Math.max(1, this.calls);
  }
}

const TRIAL_ITEMS = 4;
