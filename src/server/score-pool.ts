/**
 * Model calls of many requests, put together into batches: calls of one length, in turns from each request that has some, so that a
 * long request does not keep a short one waiting. Nothing waits for a batch to fill: what comes while the network computes is the
 * next one.
 */
import type { TokenCall } from '../evals/likelihood/token-session.js';
import { type Network, NetworkLost } from './network.js';
import type { ScoreAnswer } from './network-protocol.js';

/** What a request asks of the network. */
export interface ScoreJob {
  /** Tokens of each of its calls. */
  length: number;
  /** The calls, made when they are needed: a text of n tokens has n calls of n tokens. */
  calls: Iterator<TokenCall>;
  /** Receives each answer; the order is that in which the network gives them. */
  answered(call: TokenCall, answer: ScoreAnswer): void;
  signal: AbortSignal;
}

interface Waiting extends ScoreJob {
  /** The next calls: those that a lost process did not answer, then others. */
  next: TokenCall[];
  /** Whether `calls` has no more. */
  dry: boolean;
  inFlight: number;
  /** Processes that ended over it. */
  losses: number;
  /** Whether it shares no batch any more: it may be what made one fail. */
  alone: boolean;
  resolve: () => void;
  reject: (error: unknown) => void;
  over: boolean;
}

/** Batches under way: the network never waits for the next one. */
const WINDOW = 2;

/** A question that ends so many processes is asked no more. */
export const MOST_LOSSES = 2;

export class ScorePool {
  /** In turn: the first has waited longest since calls of it were taken. */
  private waiting: Waiting[] = [];
  private batches = 0;
  /** Calls answered so far, and tokens of them. */
  answeredCalls = 0;
  answeredTokens = 0;

  /** @param batchOf most calls of a length in a batch   @param top how many of the most probable tokens answers have */
  constructor(
    private readonly network: Network,
    private readonly batchOf: (length: number) => number,
    private readonly top: number,
  ) {}

  /** Until all calls of a job are answered. @throws what the network throws, NetworkLost, the reason of the job's signal */
  ask(job: ScoreJob): Promise<void> {
    return new Promise((resolve, reject) => {
      const one: Waiting = {
        ...job,
        ...{ next: [], dry: false, inFlight: 0, losses: 0, alone: false, over: false },
        resolve: () => this.leave(one, resolve),
        reject: (error) => this.leave(one, () => reject(error)),
      };
      if (job.signal.aborted) return reject(job.signal.reason);
      job.signal.addEventListener('abort', () => one.reject(job.signal.reason), { once: true });
      this.waiting.push(one);
      this.fill();
    });
  }

  private leave(one: Waiting, settle: () => void): void {
    if (one.over) return;
    one.over = true;
    this.waiting = this.waiting.filter((other) => other !== one);
    settle();
  }

  private fill(): void {
    while (this.batches < WINDOW) {
      const batch = this.takeBatch();
      if (batch.length === 0) return;
      this.batches++;
      void this.run(batch).finally(() => {
        this.batches--;
        this.fill();
      });
    }
  }

  /** Calls of the length that is in turn: of each request one share, then more of whoever has more. */
  private takeBatch(): { one: Waiting; call: TokenCall }[] {
    const leader = this.waiting.find((one) => this.peek(one) !== null);
    if (!leader) return [];
    const alike = leader.alone
      ? [leader]
      : this.waiting.filter(({ length, alone }) => length === leader.length && !alone);
    const size = this.batchOf(leader.length);
    const batch: { one: Waiting; call: TokenCall }[] = [];
    const share = Math.max(1, Math.floor(size / alike.length));
    for (const most of [share, size]) {
      for (const one of alike) {
        for (let taken = 0; taken < most && batch.length < size; taken++) {
          const call = this.peek(one);
          if (call === null) break;
          one.next.shift();
          one.inFlight++;
          batch.push({ one, call });
        }
      }
    }
    const served = new Set(batch.map(({ one }) => one));
    this.waiting = [...this.waiting.filter((one) => !served.has(one)), ...served];
    return batch;
  }

  private peek(one: Waiting): TokenCall | null {
    if (one.next.length === 0 && !one.dry) {
      const { done, value } = one.calls.next();
      if (done) one.dry = true;
      else one.next.push(value);
    }
    return one.next[0] ?? null;
  }

  private async run(batch: readonly { one: Waiting; call: TokenCall }[]): Promise<void> {
    try {
      const calls = batch.map(({ call }) => call);
      const answers = await this.network.ask('score', { calls, top: this.top });
      this.answeredCalls += calls.length;
      this.answeredTokens += calls.length * calls[0].tokens.length;
      for (const [i, { one, call }] of batch.entries()) {
        one.inFlight--;
        if (!one.over) one.answered(call, answers[i]);
      }
      for (const { one } of batch) if (one.inFlight === 0 && this.peek(one) === null) one.resolve();
    } catch (error) {
      const jobs = [...new Set(batch.map(({ one }) => one))];
      const lost = error instanceof NetworkLost;
      for (const { one, call } of batch) {
        one.inFlight--;
        one.next.push(call);
      }
      for (const one of jobs) {
        if (lost ? ++one.losses >= MOST_LOSSES : jobs.length === 1) one.reject(error);
        one.alone = true;
      }
    }
  }
}
