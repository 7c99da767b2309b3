/**
 * A unit that a worker has taken. It owns the unit by a lock with an end, which it renews from its main thread while the network runs in a
 * thread of its own. Whoever finds the lock ended gives the unit to another (BullMQ's check for stalled jobs); then it can no longer
 * be settled here. Failures count, and so do workers that went away; being given back does not.
 */
import type { Job } from 'bullmq';
import { leaseMs } from '../../../storage/lock.js';
import type { Unit } from '../units.js';

/** Times that a unit may fail, or that its worker may go away, before it is given up. */
export const ATTEMPTS = 3;
/** Longest sentence of a failure that is kept. */
const MOST_CHARACTERS = 2000;

export class TakenUnit {
  private readonly loss = new AbortController();
  private readonly renewal: NodeJS.Timeout;

  constructor(
    private readonly job: Job,
    private readonly token: string,
    private readonly found: Unit | null,
  ) {
    this.renewal = setInterval(() => void this.renew(), leaseMs() / 6);
  }

  get isOfPlan(): boolean {
    return this.found !== null;
  }

  get unit(): Unit {
    return this.found!; // whoever has it has asked isOfPlan
  }

  /** Aborts when the unit is no longer this process's. */
  get lost(): AbortSignal {
    return this.loss.signal;
  }

  /** @returns whether it was still this process's */
  done(): Promise<boolean> {
    return this.settle(() => this.job.moveToCompleted(null, this.token, false));
  }

  /** Counts as a failure: there are so many attempts, unless it is the `last`. @returns as done */
  async fail(sentence: string, last = false): Promise<boolean> {
    const { UnrecoverableError } = await import('bullmq');
    const isLast = last || this.isLastAttempt;
    const text = sentence.slice(0, MOST_CHARACTERS);
    const error = isLast ? new UnrecoverableError(text) : new Error(text);
    return this.settle(() => this.job.moveToFailed(error, this.token, false));
  }

  /** Whether the next failure is the last. */
  get isLastAttempt(): boolean {
    return this.job.attemptsMade + 1 >= ATTEMPTS;
  }

  /** Gives it back for after a pause, without counting a failure. @returns as done */
  later(ms: number): Promise<boolean> {
    return this.settle(() => this.job.moveToDelayed(Date.now() + ms, this.token));
  }

  /** Gives it back for another, at once. @returns as done */
  giveBack(): Promise<boolean> {
    return this.settle(() => this.job.moveToWait(this.token));
  }

  private async renew(): Promise<void> {
    try {
      if ((await this.job.extendLock(this.token, leaseMs())) !== 1) this.lose();
    } catch {
      // Redis is away or busy; the next one tells.
    }
  }

  private lose(): void {
    clearInterval(this.renewal);
    this.loss.abort();
  }

  private async settle(move: () => Promise<unknown>): Promise<boolean> {
    clearInterval(this.renewal);
    if (this.loss.signal.aborted) return false;
    try {
      await move();
      return true;
    } catch (error) {
      if (!MEANS_LOST.has((error as { code?: unknown }).code)) throw error;
      this.lose();
      return false;
    }
  }
}

/** Answers of BullMQ's scripts: the job is gone, has no lock, does not run, or its lock is another's. */
const MEANS_LOST: ReadonlySet<unknown> = new Set([-1, -2, -3, -6]);
