/** What answers the items of a task: a model that scores continuations, or one that generates text. */
import type { Checkpoint } from '../../models/checkpoint.js';
import type { Provider } from '../../models/provider.js';
import type { OptionValue } from '../../samplers/sampler.js';
import { longestItem } from '../likelihood/items.js';
import { flipProbability } from '../likelihood/margins.js';
import type { ContinuationScore } from '../likelihood/question-walks.js';
import type { ScoringSession } from '../likelihood/scored-questions.js';
import { type ScoreRequest, scoreContinuations } from '../likelihood/scoring-session.js';
import type { ItemOutcome } from './outcomes.js';
import type { Task } from './task.js';
import type { TaskItem } from './task-items.js';

export interface Finding {
  signal: AbortSignal | undefined;
  /** Receives each outcome as it is known. */
  found(outcome: ItemOutcome): void;
}

export interface ItemRunner {
  readonly checkpoint: Checkpoint;
  /** Where it runs. */
  readonly runtime: { readonly provider: Provider; readonly threads: number };
  /** Sequences that went through the network so far. */
  readonly modelCalls: number;
  /** Tokens that it read in them; null: not counted. */
  readonly readTokens: number | null;
  /** Of the tokenizer's files: the same text may become other tokens. */
  tokenizerSha256(): Promise<string>;
  /** What draws the tokens, where text is generated. */
  readonly samplerName?: string;
  /** The options that it was given; absent where it was given none. */
  readonly givenOptions?: Readonly<Record<string, OptionValue>>;
  run(task: Task, items: readonly TaskItem[], finding: Finding): Promise<void>;
  close(): Promise<void>;
}

/** A session that scores continuations. */
export class ScoringRunner implements ItemRunner {
  constructor(private readonly session: ScoringSession) {}

  get checkpoint() {
    return this.session.checkpoint;
  }

  get runtime() {
    return this.session.runtime;
  }

  get modelCalls(): number {
    return this.session.modelCalls;
  }

  get readTokens(): number {
    return this.session.readTokens;
  }

  close(): Promise<void> {
    return this.session.close();
  }

  async tokenizerSha256(): Promise<string> {
    return (await this.session.reading.tokenizer()).sha256;
  }

  /** @throws DataError for an item that cannot be scored, UsageError, NumericalError; the reason of `signal` */
  async run({ output }: Task, items: readonly TaskItem[], { signal, found }: Finding): Promise<void> {
    const isWhole = output === 'loglikelihood_rolling';
    const requests: ScoreRequest[] = [];
    const itemOf: TaskItem[] = [];
    for (const item of items) {
      const asked = isWhole ? await windowsOf(this.session, item) : item.requests;
      for (const request of asked) {
        requests.push({ ...request, question: item.index, label: item.where });
        itemOf.push(item);
      }
    }
    await scoreContinuations(this.session, requests, {
      signal,
      onQuestion: ([first], scores) => found(outcomeOf(itemOf[first], scores, isWhole)),
    });
  }
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
