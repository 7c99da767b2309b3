/**
 * The work of many requests, put together into batches: units of one kind, in turns from each request that has some, so that a long
 * request does not keep a short one waiting. Nothing waits for a batch to fill: what comes while the network computes is the next
 * one.
 */
import { NetworkLost } from './network.js';

/** What a request wants done. */
export interface Job<Unit, Answer> {
  /** Units of one kind share batches: those of calls are their lengths. */
  kind: number;
  /** Made when they are needed: a text of n tokens has n calls of n tokens. */
  units: Iterator<Unit>;
  /** Receives each answer; the order is that in which they come. */
  answered(unit: Unit, answer: Answer): void;
  signal: AbortSignal;
}

interface Waiting<Unit, Answer> extends Job<Unit, Answer> {
  /** The next units: those that a lost process did not answer, then others. */
  next: Unit[];
  /** Whether `units` has no more. */
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

type Batch<Unit, Answer> = { one: Waiting<Unit, Answer>; unit: Unit }[];

/** Batches under way: the network never waits for the next one. */
const WINDOW = 2;

/** A request that ends so many processes is given up. */
export const MOST_LOSSES = 2;

export class Turns<Unit, Answer> {
  /** In turn: the first has waited longest since units of it were taken. */
  private waiting: Waiting<Unit, Answer>[] = [];
  private batches = 0;

  /** @param ask answers units of one kind, in their order   @param batchOf most units of a kind in a batch */
  constructor(
    private readonly ask: (units: readonly Unit[]) => Promise<readonly Answer[]>,
    private readonly batchOf: (kind: number) => number,
  ) {}

  /** Until all units of a job are answered. @throws what `ask` throws, NetworkLost, the reason of the job's signal */
  take(job: Job<Unit, Answer>): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (settle: () => void) => {
        if (one.over) return;
        one.over = true;
        job.signal.removeEventListener('abort', abort);
        this.waiting = this.waiting.filter((other) => other !== one);
        settle();
      };
      const one: Waiting<Unit, Answer> = {
        ...job,
        ...{ next: [], dry: false, inFlight: 0, losses: 0, alone: false, over: false },
        resolve: () => leave(resolve),
        reject: (error) => leave(() => reject(error)),
      };
      const abort = () => one.reject(job.signal.reason);
      if (job.signal.aborted) return reject(job.signal.reason);
      job.signal.addEventListener('abort', abort);
      if (this.peek(one) === null) return one.resolve();
      this.waiting.push(one);
      this.fill();
    });
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

  /** Units of the kind that is in turn: of each request one share, then more of whoever has more. */
  private takeBatch(): Batch<Unit, Answer> {
    const leader = this.waiting.find((one) => this.peek(one) !== null);
    if (!leader) return [];
    const alike = leader.alone
      ? [leader]
      : this.waiting.filter(({ kind, alone }) => kind === leader.kind && !alone);
    const size = this.batchOf(leader.kind);
    const batch: Batch<Unit, Answer> = [];
    const share = Math.max(1, Math.floor(size / alike.length));
    for (const most of [share, size]) {
      for (const one of alike) {
        for (let taken = 0; taken < most && batch.length < size; taken++) {
          const unit = this.peek(one);
          if (unit === null) break;
          one.next.shift();
          one.inFlight++;
          batch.push({ one, unit });
        }
      }
    }
    const served = new Set(batch.map(({ one }) => one));
    this.waiting = [...this.waiting.filter((one) => !served.has(one)), ...served];
    return batch;
  }

  private peek(one: Waiting<Unit, Answer>): Unit | null {
    if (one.next.length === 0 && !one.dry) {
      const { done, value } = one.units.next();
      if (done) one.dry = true;
      else one.next.push(value);
    }
    return one.next[0] ?? null;
  }

  private async run(batch: Batch<Unit, Answer>): Promise<void> {
    const jobs = [...new Set(batch.map(({ one }) => one))];
    try {
      const answers = await this.ask(batch.map(({ unit }) => unit));
      for (const [i, { one, unit }] of batch.entries()) {
        one.inFlight--;
        if (!one.over) one.answered(unit, answers[i]);
      }
      for (const one of jobs) if (one.inFlight === 0 && this.peek(one) === null) one.resolve();
    } catch (error) {
      const lost = error instanceof NetworkLost;
      for (const { one, unit } of batch) {
        one.inFlight--;
        one.next.push(unit);
      }
      for (const one of jobs) {
        if (lost ? ++one.losses >= MOST_LOSSES : jobs.length === 1) one.reject(error);
        one.alone = true;
      }
    }
  }
}
