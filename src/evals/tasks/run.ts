/**
 * A task on a model: its items are scored or generated, each outcome is kept in a journal, and a stopped run continues. No outcome
 * depends on the batch, on the other items or on what part of them is asked for.
 */
import { environmentOf } from '../../models/machine.js';
import type { Observer } from '../../observer.js';
import type { CacheKey } from '../../storage/cache-entry.js';
import { sha256OfBytes } from '../../storage/digest.js';
import { openWorkJournal } from '../../storage/work-journal.js';
import type { WalkSettings } from '../likelihood/question-walks.js';
import type { Documents } from './documents.js';
import type { ItemRunner } from './item-runner.js';
import {
  type ItemOutcome,
  itemFigures,
  METRIC_NAMES,
  type TaskFigures,
  taskFigures,
  unitsOf,
} from './outcomes.js';
import type { TasksResult } from './record.js';
import type { Task } from './task.js';
import type { ItemSelection, TaskItem } from './task-items.js';

/** How models are asked: the same for all tasks of a run. */
export interface AskSettings extends WalkSettings {
  /** As words, or a text. */
  tail: string;
  bos: 'always' | 'when-empty';
  tooLong: 'truncate' | 'refuse';
  batch: number | null;
  /** What generates text, where a task asks for it: a sampler by name, or null for the usual one of the family. */
  sampler: string | null;
  steps: number;
  /** Ignores what an earlier, interrupted run finished. */
  fresh: boolean;
}

/** A task with the items of a run. */
export interface PreparedTask {
  task: Task;
  documents: Documents;
  items: readonly TaskItem[];
  selection: ItemSelection;
}

export interface TaskRun {
  outcomes: ItemOutcome[];
  /** Model calls of this run; those that several continuations share count once. */
  modelCalls: number;
  seconds: number;
  finish(): void;
  close(): void;
}

/** Outcomes, and so their journals, are of this version as long as the same items give the same. */
const VERSION = 1;

/** @throws DataError, UsageError, ModelError, NumericalError, FileError `in-use`; the reason of `observer.signal` */
export async function runTask(
  session: ItemRunner,
  { task, items }: PreparedTask,
  settings: AskSettings,
  observer: Observer,
): Promise<TaskRun> {
  const outcomes = new Map<number, ItemOutcome>();
  const journal = openWorkJournal<ItemOutcome>(await keyOf(session, task, items, settings), {
    what: `The task ${task.name} on ${session.checkpoint.name}`,
    fresh: settings.fresh,
    onEntry: (outcome) => outcomes.set(outcome.index, outcome),
  });
  const started = performance.now();
  const before = session.modelCalls;
  try {
    if (outcomes.size > 0)
      observer.note?.(`Continuing; an earlier run finished ${outcomes.size} items of ${task.name}.`);
    const report = () =>
      observer.progress?.(`${task.name}, ${session.checkpoint.name}`, outcomes.size, items.length);
    report();
    const found = (outcome: ItemOutcome) => {
      journal.append(outcome);
      outcomes.set(outcome.index, outcome);
      report();
    };
    const left = items.filter(({ index }) => !outcomes.has(index));
    await session.run(task, left, { signal: observer.signal, found });
    session.checkpoint.verifyUnchanged();
  } catch (error) {
    journal.close();
    throw error;
  }
  return {
    // every item has its outcome by now
    outcomes: items.map(({ index }) => outcomes.get(index)!),
    modelCalls: session.modelCalls - before,
    seconds: (performance.now() - started) / 1000,
    finish: () => journal.finish(),
    close: () => journal.close(),
  };
}

/** Everything that decides an outcome. Batch and threads do not. */
async function keyOf(
  runner: ItemRunner,
  task: Task,
  items: readonly TaskItem[],
  { batch: _, fresh: __, ...settings }: AskSettings,
): Promise<CacheKey> {
  const { checkpoint, runtime } = runner;
  const { family, vocabSize, fields } = checkpoint;
  return {
    tasks: VERSION,
    model: await checkpoint.sha256(),
    ...{ family, vocabSize, output: task.output },
    card: sha256OfBytes(
      JSON.stringify(
        [fields.maskTokenId, fields.bosTokenId, fields.eosTokenId, fields.length, fields.schedule].map(
          ({ value }) => value,
        ),
      ),
    ),
    tokenizer: await runner.tokenizerSha256(),
    generation: task.generation && JSON.stringify(task.generation),
    items: sha256OfBytes(JSON.stringify(items.map(({ index, requests }) => [index, requests]))),
    settings: JSON.stringify(settings),
    provider: runtime.provider,
  };
}

/** Raised when the same name of a protocol would give another figure. */
const PROTOCOL_VERSION = 1;

/** @param byItem whether the record holds what came out for each item */
export async function taskResult(
  { checkpoint, runtime, samplerName }: ItemRunner,
  { task, documents, items, selection }: PreparedTask,
  { outcomes, modelCalls, seconds }: TaskRun,
  { settings, byItem }: { settings: AskSettings; byItem: boolean },
): Promise<TasksResult> {
  const { metrics, units } = taskFigures(task, items, outcomes);
  const tokens = outcomes.reduce((sum, outcome) => sum + outcome.tokens, 0);
  const { limit, order } = selection;
  return {
    eval: 'tasks',
    model: {
      ...{ name: checkpoint.name, family: checkpoint.family, path: checkpoint.path },
      sha256: await checkpoint.sha256(),
      trainedOn: checkpoint.fields.trainedOn.value,
    },
    dataset: {
      ...{ name: task.name, split: task.split, sha256: documents.sha256, sourceSha256: null },
      ...{ texts: documents.documents.length, tokens: null, sequences: null },
      ...{ limit, selection: limit === null ? null : order },
    },
    task: {
      ...{ name: task.name, version: task.version, about: task.about, path: task.path, sha256: task.sha256 },
      ...{ output: task.output, metrics: [...task.metrics] },
    },
    protocol: {
      ...{ name: 'tasks', version: PROTOCOL_VERSION, taskSha256: task.sha256, shots: task.shots.count },
      ...(task.output === 'generate_until'
        ? generationOf({ ...settings, sampler: samplerName ?? null }, checkpoint.family)
        : estimatorOf(checkpoint.family, settings)),
      ...{ bos: settings.bos, tooLong: settings.tooLong },
    },
    metrics: withExponentials(metrics),
    items: {
      ...{ count: items.length, units, clustered: task.cluster !== null },
      cut: outcomes.filter(({ cut }) => cut > 0).length,
      flips: outcomes.reduce((sum, { flip }) => sum + flip, 0),
      chance: task.choices === null ? null : chanceOf(items),
    },
    cost: {
      ...{ sequences: items.length, tokens, modelCalls, wallSeconds: seconds },
      tokensPerSecond: seconds > 0 ? tokens / seconds : null,
    },
    environment: environmentOf(runtime),
    ...(byItem && { byItem: itemColumns(task, items, outcomes) }),
  };
}

type Protocol = TasksResult['protocol'];
type OfEstimator = Pick<
  Protocol,
  'estimator' | 'policy' | 'tokensPerCall' | 'draws' | 'until' | 'seed' | 'tail'
>;
const NOT_DRAWN = { policy: null, tokensPerCall: null, draws: null, until: null, seed: null } as const;

function estimatorOf(
  family: string,
  { method, likelihood, draws, until, seed, tail }: AskSettings,
): OfEstimator {
  const exact = NOT_DRAWN;
  if (family === 'ar') return { ...exact, estimator: 'chain-rule', tail: null };
  const estimator = family === 'duo' ? 'bound' : method;
  if (estimator === 'bound') return { ...exact, estimator, draws, until, seed, tail: wordOf(tail) };
  if (estimator === 'evidence') return { ...exact, estimator, tail: wordOf(tail) };
  const { order, tokensPerCall } = likelihood;
  return { ...exact, estimator, policy: order, tokensPerCall, tail: wordOf(tail) };
}

/** Of generated text: nothing is scored. */
function generationOf(
  { sampler, steps, seed }: AskSettings,
  family: string,
): Partial<Protocol> & OfEstimator {
  return {
    ...{ ...NOT_DRAWN, estimator: 'generation', tail: null, seed: family === 'ar' ? null : seed },
    ...{ sampler, steps: family === 'ar' ? null : steps },
  };
}

const wordOf = (tail: string): string => (['none', 'eos', 'masked'].includes(tail) ? tail : 'given');

/** With the exponentials of the figures that have one. */
function withExponentials(metrics: TaskFigures['metrics']): TasksResult['metrics'] {
  const exponential = (nll: TaskFigures['metrics'][keyof TaskFigures['metrics']]) => {
    if (nll === null || nll.value === null) return null;
    const value = Math.exp(nll.value);
    return {
      value,
      stderr: nll.stderr === null ? null : value * nll.stderr,
      ci95: nll.ci95 && ([Math.exp(nll.ci95[0]), Math.exp(nll.ci95[1])] as [number, number]),
      mcStderr: nll.mcStderr === null ? null : value * nll.mcStderr,
    };
  };
  return {
    ...metrics,
    perplexity: exponential(metrics.answerNll),
    wordPerplexity: exponential(metrics.wordNll),
    bytePerplexity: exponential(metrics.byteNll),
  };
}

/** Mean share that a pick at random gets right. */
function chanceOf(items: readonly TaskItem[]): number {
  const shares = items.map(({ answers, choices }) => answers.length / Math.max(1, choices.length));
  return shares.reduce((sum, share) => sum + share, 0) / items.length;
}

function itemColumns(
  task: Task,
  items: readonly TaskItem[],
  outcomes: readonly ItemOutcome[],
): NonNullable<TasksResult['byItem']> {
  const figures = items.map((item, i) => itemFigures(task, item, outcomes[i]));
  const shares = METRIC_NAMES.slice(0, 4).flatMap((name) => {
    const values = figures.map((one) => one[name]);
    return values.every((value) => value !== undefined) ? [[name, values] as const] : [];
  });
  return {
    index: items.map(({ index }) => index),
    unit: unitsOf(items),
    flip: outcomes.map(({ flip }) => flip),
    ...Object.fromEntries(shares),
    ...(task.choices === null &&
      task.output !== 'generate_until' && { nats: outcomes.map(({ logLikelihoods: [score] }) => -score) }),
  };
}
