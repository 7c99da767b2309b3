/**
 * Questions over one network: the walks of many are advanced together, their calls go out in batches of one length, and calls that
 * show the network the same are one.
 */

import type { Tokenizer } from '../../datasets/tokenizer.js';
import { batchOf } from '../../models/batch-limit.js';
import type { Checkpoint } from '../../models/checkpoint.js';
import { type Provider, providerOf } from '../../models/provider.js';
import { callsInOrder } from '../calls-in-order.js';
import type { LossSessionOptions } from '../perplexity/loss-session.js';
import type { Reading } from './items.js';
import type { ContinuationScore, Question, Walk, WalkSettings } from './question-walks.js';

export interface ScoringSettings extends LossSessionOptions, Partial<WalkSettings> {
  /** Needed where a request holds text, or a tail needs the tokenizer's EOS. */
  tokenizer?: () => Promise<Tokenizer>;
  /** What follows requests that name no tail, by default nothing; see items.ts, as for the next two. */
  tail?: Reading['tail'];
  bos?: Reading['bos'];
  tooLong?: Reading['tooLong'];
  /** Sequences per model call; changes no figure. By default chosen by the size of the logits. */
  batch?: number | null;
  /** Whether choices share the keys and values of their context, where the graph gives them out and it takes less; by default true. */
  sharesPrefixes?: boolean;
  /** Whether the bound of uniform states is drawn with its control variate; by default true. Its mean is the same without. */
  hasControl?: boolean;
}

/** A checkpoint that scores, running. */
export interface ScoringSession {
  readonly checkpoint: Checkpoint;
  /** Sequences that went through the network so far, those shared by several requests once. */
  readonly modelCalls: number;
  /** Tokens that it read in them: a context that choices share once. */
  readonly readTokens: number;
  /** @internal Use {@link scoreContinuations}. */
  score(items: readonly Question[], listening: Listening): Promise<ContinuationScore[][]>;
  readonly reading: Reading;
  /** Where it runs. */
  readonly runtime: { readonly provider: Provider; readonly threads: number };
  close(): Promise<void>;
}

export interface Listening {
  signal?: AbortSignal;
  /** Receives the scores of each question as it is finished: its index among those asked for, and its choices' scores. */
  onQuestion?: (index: number, scores: readonly ContinuationScore[]) => void;
}

/** Walks under way together. */
interface UnderWay<Call, Answer> {
  index: number;
  walk: Walk<Call, Answer>;
  calls: Call[];
}

/** What a family says of its calls, to be scored by. */
export abstract class Scoring<Call, Answer> implements ScoringSession {
  modelCalls = 0;
  readTokens = 0;

  protected constructor(
    readonly checkpoint: Checkpoint,
    readonly reading: Reading,
    private readonly batch: number | null,
  ) {}

  abstract close(): Promise<void>;
  abstract get runtime(): ScoringSession['runtime'];
  protected abstract walk(question: Question): Walk<Call, Answer>;
  /** Positions of the call in the network, with those that are filled up or kept from earlier calls. */
  protected abstract lengthOf(call: Call): number;
  /** Tokens that the network reads. */
  protected abstract tokensOf(call: Call): number;
  /** Calls of one shape may share a batch. */
  protected shapeOf(call: Call): string {
    return String(this.lengthOf(call));
  }
  /** @param calls of one length, at most a batch */
  protected abstract ask(calls: readonly Call[]): Promise<Answer[]>;
  /** Joins calls that show the network the same: which calls are made, and the answers of all of them from those. */
  protected abstract joined(calls: readonly Call[]): {
    distinct: Call[];
    answersOf(answers: readonly Answer[]): Answer[];
  };

  async score(questions: readonly Question[], listening: Listening): Promise<ContinuationScore[][]> {
    const scores = new Array<ContinuationScore[]>(questions.length);
    // Questions of one length share batches.
    const waiting = [...questions.keys()].sort(
      (a, b) => longestOf(questions[a]) - longestOf(questions[b]) || a - b,
    );
    const underWay: UnderWay<Call, Answer>[] = [];
    const open = new Set<Walk<Call, Answer>>();
    /** One step of a walk: it waits for the calls that it asks for, or is finished. */
    const advance = ({ index, walk }: Omit<UnderWay<Call, Answer>, 'calls'>, answers: Answer[] = []) => {
      const { done, value } = walk.next(answers);
      if (!done) {
        underWay.push({ index, walk, calls: value });
        return;
      }
      open.delete(walk);
      scores[index] = value;
      listening.onQuestion?.(index, value);
    };
    try {
      for (let next = 0; next < waiting.length || underWay.length > 0; ) {
        listening.signal?.throwIfAborted();
        const pending = () => underWay.reduce((total, { calls }) => total + calls.length, 0);
        while (
          next < waiting.length &&
          pending() < WAVE_BATCHES * this.batchOf(longestOf(questions[waiting[next]]))
        ) {
          const index = waiting[next++];
          const walk = this.walk(questions[index]);
          open.add(walk);
          advance({ index, walk });
        }
        const wave = underWay.splice(0);
        const answers = await this.answers(
          wave.flatMap(({ calls }) => calls),
          listening.signal,
        );
        let at = 0;
        for (const { calls, ...one } of wave) {
          advance(one, answers.slice(at, at + calls.length));
          at += calls.length;
        }
      }
    } finally {
      // A walk that is given up frees what it kept.
      for (const walk of open) walk.return([]);
    }
    return scores;
  }

  private async answers(calls: readonly Call[], signal: AbortSignal | undefined): Promise<Answer[]> {
    const { distinct, answersOf } = this.joined(calls);
    this.modelCalls += distinct.length;
    this.readTokens += distinct.reduce((total, call) => total + this.tokensOf(call), 0);
    const byShape = new Map<string, number[]>();
    for (const [i, call] of distinct.entries()) {
      const alike = byShape.get(this.shapeOf(call));
      if (alike) alike.push(i);
      else byShape.set(this.shapeOf(call), [i]);
    }
    const answers = new Array<Answer>(distinct.length);
    const batches = [...byShape.values()].flatMap((alike) => {
      const size = this.batchOf(this.lengthOf(distinct[alike[0]]));
      return Array.from({ length: Math.ceil(alike.length / size) }, (_, b) =>
        alike.slice(b * size, (b + 1) * size),
      );
    });
    await callsInOrder(
      batches,
      async (places) => {
        const found = await this.ask(places.map((i) => distinct[i]));
        for (const [j, i] of places.entries()) answers[i] = found[j];
      },
      () => ({ full: 3, resume: 2 }),
      signal,
    );
    return answersOf(answers);
  }

  private batchOf(length: number): number {
    return batchOf(this.checkpoint, length, this.batch);
  }
}

/** Calls under way are so many batches, so that those of one length fill theirs. */
const WAVE_BATCHES = 8;

const longestOf = ({ items }: Question): number =>
  items.reduce((most, { tokens }) => Math.max(most, tokens.length), 1);

/** Of a session that runs nothing. */
export const idle = ({ provider, threads }: ScoringSettings) => ({
  provider: providerOf(provider),
  threads: threads ?? 0,
  close: async () => {},
});
