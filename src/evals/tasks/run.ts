/**
 * A task on a model: its items are scored or generated, each outcome is kept in a journal, and a stopped run continues. No outcome
 * depends on the batch, on the other items or on what part of them is asked for.
 */
import { environmentOf } from '../../models/machine.js';
import type { Observer } from '../../observer.js';
import type { CacheKey } from '../../storage/cache-entry.js';
import { sha256OfBytes } from '../../storage/digest.js';
import { openWorkJournal } from '../../storage/work-journal.js';
import { longestItem } from '../likelihood/items.js';
import { flipProbability } from '../likelihood/margins.js';
import type { ContinuationScore, WalkSettings } from '../likelihood/question-walks.js';
import type { ScoringSession } from '../likelihood/scored-questions.js';
import { type ScoreRequest, scoreContinuations } from '../likelihood/scoring-session.js';
import type { Documents } from './documents.js';
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
  session: ScoringSession,
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
    await scoreItems(session, task, left, { signal: observer.signal, found });
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
  { checkpoint, runtime }: ScoringSession,
  task: Task,
  items: readonly TaskItem[],
  { batch: _, fresh: __, ...settings }: AskSettings,
): Promise<CacheKey> {
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
    tokenizer: fields.tokenizer.value,
    items: sha256OfBytes(JSON.stringify(items.map(({ index, requests }) => [index, requests]))),
    settings: JSON.stringify(settings),
    provider: runtime.provider,
  };
}

interface Finding {
  signal: AbortSignal | undefined;
  found(outcome: ItemOutcome): void;
}

/** @param finding receives each outcome as it is known   @throws as {@link runTask} */
export async function scoreItems(
  session: ScoringSession,
  { output }: Task,
  items: readonly TaskItem[],
  { signal, found }: Finding,
): Promise<void> {
  const requests: ScoreRequest[] = [];
  const itemOf: TaskItem[] = [];
  for (const item of items) {
    const asked = output === 'loglikelihood_rolling' ? await windowsOf(session, item) : item.requests;
    for (const request of asked) {
      requests.push({ ...request, question: item.index, label: item.where });
      itemOf.push(item);
    }
  }
  await scoreContinuations(session, requests, {
    signal,
    onQuestion: ([first], scores) =>
      found(outcomeOf(itemOf[first], scores, output === 'loglikelihood_rolling')),
  });
}

/** @param isWhole its continuations are parts of one text */
function outcomeOf(item: TaskItem, scores: readonly ContinuationScore[], isWhole: boolean): ItemOutcome {
  const total = (value: (score: ContinuationScore) => number) =>
    scores.reduce((sum, score) => sum + value(score), 0);
  return {
    index: item.index,
    logLikelihoods: isWhole
      ? [total((score) => score.logLikelihood)]
      : scores.map((score) => score.logLikelihood),
    errors: isWhole ? [Math.sqrt(total((score) => score.error ** 2))] : scores.map((score) => score.error),
    isGreedy: isWhole ? [null] : scores.map((score) => score.isGreedy),
    flip: item.choices.length > 0 ? flipProbability(scores) : 0,
    calls: total((score) => score.calls),
    cut: Math.max(...scores.map((score) => score.cut)),
    tokens: total((score) => score.tokens),
  };
}

/**
 * A text as windows that each score as many tokens as fit, every token once, with one token before the first; the last window is filled
 * up with earlier tokens (lm-evaluation-harness, `get_rolling_token_windows`, `make_disjoint_window`).
 */
async function windowsOf(
  { checkpoint, reading }: ScoringSession,
  { requests: [{ continuation }] }: TaskItem,
): Promise<Pick<ScoreRequest, 'context' | 'continuation'>[]> {
  const tokenizer = await reading.tokenizer();
  const ids = tokenizer.encode(continuation);
  const { bosTokenId } = tokenizer;
  const first = bosTokenId === null ? [] : [bosTokenId];
  const most = Math.min(longestItem(checkpoint), ids.length + 1) - 1 - (reading.tail === 'eos' ? 1 : 0);
  const size = Math.max(1, most);
  const windows: Pick<ScoreRequest, 'context' | 'continuation'>[] = [];
  for (let from = 0; from < ids.length; from += size) {
    const to = Math.min(ids.length, from + size);
    const context = from === 0 ? first : ids.slice(Math.max(0, to - size - 1), from);
    windows.push({ context, continuation: ids.slice(from, to) });
  }
  return windows;
}

/** Raised when the same name of a protocol would give another figure. */
const PROTOCOL_VERSION = 1;

/** @param byItem whether the record holds what came out for each item */
export async function taskResult(
  { checkpoint, runtime }: ScoringSession,
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
      ...estimatorOf(checkpoint.family, settings),
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

function estimatorOf(
  family: string,
  { method, likelihood, draws, until, seed, tail }: AskSettings,
): Pick<
  TasksResult['protocol'],
  'estimator' | 'policy' | 'tokensPerCall' | 'draws' | 'until' | 'seed' | 'tail'
> {
  const exact = { policy: null, tokensPerCall: null, draws: null, until: null, seed: null };
  if (family === 'ar') return { ...exact, estimator: 'chain-rule', tail: null };
  const estimator = family === 'duo' ? 'bound' : method;
  if (estimator === 'bound') return { ...exact, estimator, draws, until, seed, tail: wordOf(tail) };
  if (estimator === 'evidence') return { ...exact, estimator, tail: wordOf(tail) };
  const { order, tokensPerCall } = likelihood;
  return { ...exact, estimator, policy: order, tokensPerCall, tail: wordOf(tail) };
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
