/** One line of `--log-items`: an item of a task with its prompts, what the model said of them, and whether it is right. */
import { bestOf } from '../likelihood/margins.js';
import { itemFigures } from './outcomes.js';
import type { PreparedTask, TaskRun } from './run.js';

const ITEM_LINES_VERSION = 1;

export interface ItemLine {
  schemaVersion: typeof ITEM_LINES_VERSION;
  kind: 'item';
  task: string;
  model: string;
  /** Place of the document in its split, from 0. */
  index: number;
  /** What names the document in its file. */
  where: string;
  /** What items of one cluster share; null: nothing. */
  cluster: string | null;
  /** As texts: what stood before, and what was scored, one of each per choice. */
  requests: readonly { context: string; continuation: string }[];
  /** Indices of the right choices; empty without choices. */
  answers: readonly number[];
  /** ln p of each continuation, nats. */
  logLikelihoods: readonly number[];
  /** Monte Carlo standard errors of them; 0: exact. */
  errors: readonly number[];
  isGreedy: readonly (boolean | null)[];
  /** Index of the most probable choice; null without choices. */
  pick: number | null;
  /** Chance that more draws would pick another. */
  flip: number;
  /** By metric: 1 for right, 0 for wrong; −ln p for the others. */
  figures: Readonly<Record<string, number>>;
  /** Tokens that were cut from the left. */
  cut: number;
  modelCalls: number;
  /** What was generated, where that was asked for. */
  generated?: string;
}

export function* itemLines(
  model: string,
  { task, items }: PreparedTask,
  { outcomes }: TaskRun,
): Generator<ItemLine> {
  for (const [i, item] of items.entries()) {
    const { logLikelihoods, errors, isGreedy, flip, cut, calls, generated } = outcomes[i];
    yield {
      ...{ schemaVersion: ITEM_LINES_VERSION, kind: 'item', task: task.name, model },
      ...{ index: item.index, where: item.where, cluster: item.cluster },
      ...{ requests: item.requests, answers: item.answers },
      ...{ logLikelihoods, errors, isGreedy },
      pick: item.choices.length > 0 ? bestOf(logLikelihoods) : null,
      ...{ flip, figures: itemFigures(task, item, outcomes[i]), cut, modelCalls: calls },
      ...(generated !== undefined && { generated }),
    };
  }
}
