/**
 * A task on a model: its items are scored or generated, each outcome is kept in a journal, and a stopped run continues. No outcome
 * depends on the batch, on the other items or on what part of them is asked for.
 */
import type { Checkpoint } from '../../models/checkpoint.js';
import { type Family, isMixed, isUniformState } from '../../models/family.js';
import { environmentOf } from '../../models/machine.js';
import type { Provider } from '../../models/provider.js';
import type { Observer } from '../../observer.js';
import type { CacheKey } from '../../storage/cache-entry.js';
import { sha256OfBytes } from '../../storage/digest.js';
import {
  openWorkJournal,
  readWorkJournal,
  type WorkParts,
  type WorkRange,
} from '../../storage/work-journal.js';
import type { WalkSettings } from '../likelihood/question-walks.js';
import type { Documents } from './documents.js';
import { type RecordOfRun, resultOfRows, rowOf } from './item-rows.js';
import type { ItemRunner } from './item-runner.js';
import type { ItemOutcome } from './outcomes.js';
import type { TasksResult } from './record.js';
import { isGenerated, type Task } from './task.js';
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
  /** Its options, `key=value`; absent where none are given. */
  samplerOptions?: readonly string[];
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
  /** Model calls of all runs that found outcomes; those that continuations of one run share count once. */
  modelCalls: number;
  /** Tokens that went through the network in them; null: not counted. */
  readTokens: number | null;
  seconds: number;
  finish(): void;
  close(): void;
}

/** Outcomes, and so their journals, are of this version as long as the same items give the same. */
const VERSION = 2;

/** An outcome as a journal holds it: with the calls made and tokens read since the one before it, and milliseconds. */
type Line = ItemOutcome & { made?: Spent };
interface Spent {
  calls: number;
  /** Null where they are not counted. */
  read: number | null;
  ms: number;
}

/**
 * @param parts a range of the items, by their place: their outcomes stay in the journal, and a run of all, by any process, joins them
 * @throws DataError, UsageError, ModelError, NumericalError, FileError `in-use`; the reason of `observer.signal`
 */
export async function runTask(
  session: ItemRunner,
  prepared: PreparedTask,
  settings: AskSettings,
  observer: Observer,
  parts?: WorkParts,
): Promise<TaskRun> {
  const { task } = prepared;
  const range = parts?.range;
  const items = range ? prepared.items.slice(range.from, range.to) : prepared.items;
  const outcomes = new Map<number, ItemOutcome>();
  const spent = { calls: 0, read: session.readTokens === null ? null : 0, ms: 0 };
  const spend = ({ calls, read, ms }: Spent) => {
    spent.calls += calls;
    spent.read = spent.read === null || read === null ? null : spent.read + read;
    spent.ms += ms;
  };
  const journal = await openWorkJournal<Line>(
    await outcomesKey(session.checkpoint, session.runtime.provider, {
      ...prepared,
      settings,
      tokenizerSha256: await session.tokenizerSha256(),
    }),
    {
      what: `The task ${task.name} on ${session.checkpoint.name}${range ? `, items ${range.from} to ${range.to - 1}` : ''}`,
      parts,
      fresh: settings.fresh,
      onEntry({ made, ...outcome }) {
        // Where two runs made the same, one counts.
        if (made && !outcomes.has(outcome.index)) spend(made);
        outcomes.set(outcome.index, outcome);
      },
    },
  );
  let before = { calls: session.modelCalls, read: session.readTokens, at: performance.now() };
  try {
    const left = items.filter(({ index }) => !outcomes.has(index));
    if (left.length < items.length)
      observer.note?.(
        `Continuing; an earlier run finished ${items.length - left.length} items of ${task.name}.`,
      );
    let done = items.length - left.length;
    const report = () => observer.progress?.(`${task.name}, ${session.checkpoint.name}`, done, items.length);
    report();
    const found = (outcome: ItemOutcome) => {
      const now = { calls: session.modelCalls, read: session.readTokens, at: performance.now() };
      const made = {
        calls: now.calls - before.calls,
        read: now.read === null || before.read === null ? null : now.read - before.read,
        ms: Math.round(now.at - before.at),
      };
      before = now;
      journal.append({ ...outcome, made });
      spend(made);
      outcomes.set(outcome.index, outcome);
      done++;
      report();
    };
    await session.run(task, left, { signal: observer.signal, found });
    session.checkpoint.verifyUnchanged();
  } catch (error) {
    journal.close();
    throw error;
  }
  journal.close(); // complete: other processes need not wait
  return {
    // every item has its outcome by now
    outcomes: items.map(({ index }) => outcomes.get(index)!),
    modelCalls: spent.calls,
    readTokens: spent.read,
    seconds: spent.ms / 1000,
    finish: () => journal.finish(),
    close: () => journal.close(),
  };
}

/** Of each range of items whether all runs together have kept its outcomes. @param key of {@link outcomesKey} */
export function areOutcomesKept(
  key: CacheKey,
  items: readonly TaskItem[],
  { for: joined, ranges }: { for: CacheKey; ranges: readonly WorkRange[] },
): boolean[] {
  const kept = new Set<number>();
  readWorkJournal<Line>(key, ({ index }) => kept.add(index), { for: joined, ranges });
  return ranges.map(({ from, to }) => items.slice(from, to).every(({ index }) => kept.has(index)));
}

/** Everything that decides outcomes. Batch and threads do not. */
export async function outcomesKey(
  checkpoint: Checkpoint,
  provider: Provider,
  {
    task,
    items,
    settings: { batch: _, fresh: __, ...settings },
    tokenizerSha256,
  }: PreparedTask & { settings: AskSettings; tokenizerSha256: string },
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
    tokenizer: tokenizerSha256,
    generation: task.generation && JSON.stringify([task.generation, task.scoring]),
    items: sha256OfBytes(JSON.stringify(items.map(({ index, requests }) => [index, requests]))),
    settings: JSON.stringify(settings),
    provider,
  };
}

/** Raised when the same name of a protocol would give another figure. */
const PROTOCOL_VERSION = 1;

/** @param byItem whether the record holds what came out for each item */
export async function taskResult(
  { checkpoint, runtime, samplerName, givenOptions }: ItemRunner,
  { task, documents, items, selection }: PreparedTask,
  { outcomes, ...cost }: TaskRun,
  { settings, byItem }: { settings: AskSettings; byItem: boolean },
): Promise<TasksResult> {
  const { limit, order, shard } = selection;
  const run: RecordOfRun = {
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
      ...protocolOf(task, checkpoint.family, { ...settings, sampler: samplerName ?? null }),
      ...(givenOptions && { samplerOptions: givenOptions }),
    },
    environment: environmentOf(runtime),
  };
  const rows = items.map((item, i) => rowOf(task, item, outcomes[i]));
  return resultOfRows(run, rows, cost, { byItem, part: shard });
}

type Protocol = TasksResult['protocol'];

export function protocolOf(task: Task, family: Family, settings: AskSettings): Protocol {
  return {
    ...{ name: 'tasks', version: PROTOCOL_VERSION, taskSha256: task.sha256, shots: task.shots.count },
    ...(isGenerated(task) ? generationOf(settings, family) : estimatorOf(family, settings)),
    ...{ bos: settings.bos, tooLong: settings.tooLong },
  };
}

type OfEstimator = Pick<
  Protocol,
  'estimator' | 'policy' | 'tokensPerCall' | 'draws' | 'until' | 'seed' | 'tail'
>;
const NOT_DRAWN = { policy: null, tokensPerCall: null, draws: null, until: null, seed: null } as const;

function estimatorOf(
  family: Family,
  { method, likelihood, draws, until, seed, tail }: AskSettings,
): OfEstimator {
  const exact = NOT_DRAWN;
  if (family === 'ar') return { ...exact, estimator: 'chain-rule', tail: null };
  const estimator = isUniformState(family) || isMixed(family) ? 'bound' : method;
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
