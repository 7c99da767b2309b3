/**
 * A worker: takes units from the queues of a Redis, one at a time, and runs them. It stays with the model that it holds while that has
 * units, and leaves it for another whose next unit is more than twice as heavy, so that no long unit is left to the end.
 *
 * A unit that another process works on, or that was stopped, is given back and counts as no failure, until it was stopped too often with nothing new. Other failures are told to the
 * queue, which gives the unit up after ATTEMPTS. When this process was silent for longer than its lock, another has the unit: it stops
 * and takes another. Results are kept in the cache under what decides them, so nothing is counted twice.
 *
 * A unit of `bench` has its machine alone: it waits until the other workers there are between two units, and they wait until it is done.
 */

import { setTimeout as pause } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { InUseError, NoProgressError, UnfinishedError } from '../../../errors.js';
import type { Observer } from '../../../observer.js';
import { FutileStops } from '../../../storage/futile-stops.js';
import type { Lock } from '../../../storage/lock.js';
import { takeTurn } from '../../../storage/machine-turns.js';
import { type Unit, unitInWords } from '../units.js';
import { type KeptPlan, keptPlan, planMissing } from './kept-plan.js';
import { type Head, submittedPlans, UnitQueue } from './queue.js';
import { ATTEMPTS, type TakenUnit } from './taken-unit.js';

/** Between looks at queues that give nothing. */
const IDLE_MS = 1000;
/** Until a unit that another process works on is tried again. */
const LATER_MS = 5000;
/** At the end, Redis has so long to take a unit back; after that the unit's lock ends by itself. */
const GIVE_BACK_MS = 3000;
/** So many times as heavy must another model's unit be, to leave the one that is held. */
const STAY = 2;

/** Runs units of one plan, one by one as they come. @param cells that they may be of, from 1   @throws what a unit does */
export type RunUnits = (
  cells: ReadonlySet<number>,
  units: AsyncIterable<Unit>,
  observer: Observer,
) => Promise<void>;

export interface WorkerTask {
  /** Ends when no unit waits or runs, here or elsewhere; else goes on for ever. */
  untilEmpty: boolean;
  /** What runs the units of a plan. @throws DuoEvalError if this worker cannot, such as for a suite that has changed */
  open(plan: KeptPlan): Promise<RunUnits>;
  /** In words, as it is told to the queue. */
  sentenceOf(error: unknown): string;
}

export interface WorkerReport {
  done: number;
  /** Attempts that failed. */
  failed: number;
  /** Units that were given back, since another process worked on them. */
  givenBack: number;
  /** Units that others took, since this process was silent. */
  lost: number;
}

/** @throws the reason of the observer's signal; FileError */
export function workOnQueues(client: Redis, task: WorkerTask, observer: Observer): Promise<WorkerReport> {
  return new QueueWorker(client, task, observer).work();
}

/** The queue to take from: that of the heaviest unit, where one of the model that is held counts twice. Null if none has any. */
export function nextModel(heads: readonly Head[], held: string | null): string | null {
  let best: { model: string; weight: number } | null = null;
  for (const { model, weight } of heads) {
    if (weight === null) continue;
    const counted = model === held ? STAY * weight : weight;
    const isBetter = best === null || counted > best.weight || (counted === best.weight && model === held);
    if (isBetter) best = { model, weight: counted };
  }
  return best?.model ?? null;
}

class QueueWorker {
  private readonly report: WorkerReport = { done: 0, failed: 0, givenBack: 0, lost: 0 };
  private readonly queues = new Map<string, UnitQueue>();
  private readonly told = new Set<string>();

  constructor(
    private readonly client: Redis,
    private readonly task: WorkerTask,
    private readonly observer: Observer,
  ) {}

  async work(): Promise<WorkerReport> {
    try {
      for (;;) {
        const found = await this.unlessStopped(this.look());
        if (found.unit !== null) await this.runFrom(found);
        else if (this.task.untilEmpty && found.pending === 0) {
          if (found.refusal !== null) throw found.refusal;
          return this.report;
        } else await pause(IDLE_MS, undefined, { signal: this.observer.signal });
      }
    } finally {
      await within(GIVE_BACK_MS, Promise.all([...this.queues.values()].map((queue) => queue.close())));
    }
  }

  /** The first unit there is, of the plans as they were submitted. */
  private async look(): Promise<{
    queue: UnitQueue | null;
    run: RunUnits | null;
    unit: TakenUnit | null;
    /** Units that wait for another attempt, or that others run. */
    pending: number;
    /** Why units wait that this worker cannot run. */
    refusal: unknown;
  }> {
    let [pending, refusal]: [number, unknown] = [0, null];
    let unknown: string | null = null;
    for (const hash of await submittedPlans(this.client)) {
      const queue = await this.queueOf(hash);
      if (queue === null) {
        unknown ??= hash;
        continue;
      }
      const heads = await queue.heads();
      const open = heads.filter(({ weight, pending: others }) => weight !== null || others > 0);
      if (open.length === 0) continue;
      await queue.watch(open.map(({ model }) => model));
      pending += open.reduce((sum, head) => sum + head.pending, 0);
      const model = nextModel(open, null);
      if (model === null) continue;
      let run: RunUnits;
      try {
        run = await this.task.open(queue.kept);
      } catch (error) {
        refusal = error;
        this.tellOnce(
          hash,
          `This worker cannot run units of ${queue.kept.plan.name}: ${this.task.sentenceOf(error)}`,
        );
        continue;
      }
      const unit = await queue.take(model);
      if (unit !== null) return { queue, run, unit, pending, refusal };
      pending++; // Another was faster, or it was no unit: look again.
    }
    if (unknown !== null && this.queues.size === 0) refusal ??= planMissing(unknown);
    return { queue: null, run: null, unit: null, pending, refusal };
  }

  private async queueOf(hash: string): Promise<UnitQueue | null> {
    const known = this.queues.get(hash);
    if (known) return known;
    const kept = await keptPlan(hash);
    if (kept === null) {
      this.tellOnce(hash, `${planMissing(hash).message} Its units are left alone.`);
      return null;
    }
    const queue = new UnitQueue(this.client, kept);
    this.queues.set(hash, queue);
    return queue;
  }

  /** Runs a unit, and those after it while they are of the same model. */
  private async runFrom(found: {
    queue: UnitQueue | null;
    run: RunUnits | null;
    unit: TakenUnit | null;
  }): Promise<void> {
    const { queue, run, unit: first } = found as { queue: UnitQueue; run: RunUnits; unit: TakenUnit };
    const { observer } = this;
    const { model } = first.unit;
    const stop = new AbortController();
    const signal = observer.signal ? AbortSignal.any([observer.signal, stop.signal]) : stop.signal;
    const lose = () => stop.abort(new LostUnit());
    let current: TakenUnit | null = first;
    let stops = stopsOf(first);
    let turn: Lock | null = null;
    const finish = async () => {
      turn?.release();
      turn = null;
      const taken = current;
      current = null;
      await stops.forget();
      if (taken && (await this.unlessStopped(taken.done()))) {
        this.report.done++;
        observer.note?.(`Done: unit ${unitInWords(taken.unit)}.`);
      } else if (taken) this.tellLoss(taken);
    };
    const report = this;
    async function* units(): AsyncGenerator<Unit> {
      while (current !== null) {
        current.lost.addEventListener('abort', lose);
        turn = await takeTurn(current.unit.eval === 'bench', signal);
        yield current.unit;
        await finish();
        current = await report.unlessStopped(report.another(queue, model));
        if (current !== null) stops = stopsOf(current);
      }
    }
    try {
      const cells = queue.order.flatMap((unit) => (unit.model === model ? [unit.cell] : []));
      await run(new Set(cells), units(), { ...observer, signal });
    } catch (error) {
      // A model call that was let go may still write to its journal: its turn ends when it does, with this process.
      turn = release(turn);
      await this.settle(current, error, stops);
    }
  }

  /** The next unit of the model that is held, unless it is time for another. */
  private async another(queue: UnitQueue, model: string): Promise<TakenUnit | null> {
    return nextModel(await queue.heads(), model) === model ? queue.take(model) : null;
  }

  private async settle(taken: TakenUnit | null, error: unknown, stops: FutileStops): Promise<void> {
    const { observer, report, task } = this;
    if (observer.signal?.aborted) {
      if (taken) await this.giveBack(taken, observer.signal.reason, stops);
      throw error;
    }
    if (taken === null) throw error;
    const what = `Unit ${unitInWords(taken.unit)}`;
    if (taken.lost.aborted) return this.tellLoss(taken);
    if (error instanceof InUseError || error instanceof UnfinishedError) {
      if (!(await this.unlessStopped(taken.later(LATER_MS)))) return this.tellLoss(taken);
      report.givenBack++;
      observer.note?.(`${what} is tried again later: ${task.sentenceOf(error)}`);
      return;
    }
    const { isLastAttempt } = taken;
    const sentence = task.sentenceOf(error);
    if (!(await this.unlessStopped(taken.fail(sentence)))) return this.tellLoss(taken);
    report.failed++;
    observer.warn?.(
      `${what} failed${isLastAttempt ? `, and is given up after ${ATTEMPTS} attempts` : ''}: ${sentence}`,
    );
  }

  /** This worker was told to stop. Its unit is for another, unless that has happened to it too often with nothing new. */
  private async giveBack(taken: TakenUnit, reason: unknown, stops: FutileStops): Promise<void> {
    try {
      if (reason instanceof UnfinishedError) await stops.count(reason, this.observer);
    } catch (error) {
      if (!(error instanceof NoProgressError)) throw error;
      const sentence = this.task.sentenceOf(error);
      this.observer.warn?.(`Unit ${unitInWords(taken.unit)} is given up: ${sentence}`);
      return within(GIVE_BACK_MS, taken.fail(sentence, true));
    }
    await within(GIVE_BACK_MS, taken.giveBack());
  }

  private tellLoss({ unit }: TakenUnit): void {
    this.report.lost++;
    this.observer.warn?.(
      `Unit ${unitInWords(unit)} is no longer this worker's: it was silent for longer than its lock, or the unit was cancelled. Its result is not counted.`,
    );
  }

  private tellOnce(about: string, text: string): void {
    if (this.told.has(about)) return;
    this.told.add(about);
    this.observer.warn?.(text);
  }

  /** Redis may be away for long: a signal ends the wait. */
  private async unlessStopped<T>(answer: Promise<T>): Promise<T> {
    const { signal } = this.observer;
    if (!signal) return answer;
    signal.throwIfAborted();
    let stop = () => {};
    const stopped = new Promise<never>((_resolve, reject) => {
      stop = () => reject(signal.reason);
      signal.addEventListener('abort', stop, { once: true });
    });
    try {
      return await Promise.race([answer, stopped]);
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }
}

const stopsOf = ({ unit }: TakenUnit): FutileStops => new FutileStops([unit.key]);

/** The reason of a run whose unit another has. */
class LostUnit extends Error {}

const release = (turn: Lock | null): null => {
  turn?.release();
  return null;
};

/** Waits so long for an answer, and no longer. */
async function within(ms: number, answer: Promise<unknown>): Promise<void> {
  await Promise.race([answer.catch(() => {}), pause(ms, undefined, { ref: false })]);
}
