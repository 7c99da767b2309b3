/**
 * A plan's units as jobs of BullMQ. BullMQ gives a worker the first job of a queue and lets it choose no other, so every model has a
 * queue: a worker stays with the queue of the model that it holds. The number of a job in the plan's order, heaviest first, is its
 * priority; its id is the unit's key, so that a unit is there once, however often it is submitted.
 *
 * Keys of the Redis begin with `duo-eval:`. What is on it is not trusted: only keys of units of the plan count.
 */
import { createHash, randomUUID } from 'node:crypto';
import type { Job, JobsOptions, Queue, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { z } from 'zod';
import { leaseMs } from '../../../storage/lock.js';
import type { Unit } from '../units.js';
import { hashOfPlan, isPlanHash, type KeptPlan } from './kept-plan.js';
import { ATTEMPTS, TakenUnit } from './taken-unit.js';

const PREFIX = 'duo-eval';
/** Hashes of the plans that were submitted, by time. */
const PLANS = `${PREFIX}:plans`;

/** Until the next attempt. */
const AFTER_FAILURE_MS = 2000;
/** Jobs in one request. */
const CHUNK = 1000;
/** BullMQ packs the time of a delayed job beside a counter of so many values. */
const DELAYED_FACTOR = 0x1000;

/** Plans in the order in which they were submitted. */
export async function submittedPlans(client: Redis): Promise<string[]> {
  return (await client.zrange(PLANS, '0', '-1')).filter(isPlanHash);
}

export interface Counts {
  waiting: number;
  running: number;
  done: number;
  failed: number;
}

export interface Failure {
  unit: Unit;
  /** What went wrong, as its last worker told. */
  sentence: string;
}

/** A model's queue as workers see it. */
export interface Head {
  model: string;
  /** Weight of the unit that it would give now; null where it gives none. */
  weight: number | null;
  /** Units that wait for their next attempt, or that others run. */
  pending: number;
}

export class UnitQueue {
  readonly hash: string;
  /** Heaviest first, in the order of the plan where they are as heavy. */
  readonly order: readonly Unit[];
  private readonly byId: ReadonlyMap<string, Unit>;
  private readonly models: ReadonlyMap<string, string>;
  private readonly queues = new Map<string, Queue>();
  private readonly workers = new Map<string, Worker>();

  constructor(
    private readonly client: Redis,
    readonly kept: KeptPlan,
  ) {
    this.hash = hashOfPlan(kept);
    this.order = heaviestFirst(kept.plan.units);
    this.byId = new Map(this.order.map((unit) => [idOf(unit), unit]));
    this.models = new Map(this.order.map(({ model }) => [model, queueName(this.hash, model)]));
  }

  /** Puts what is not there yet, and what has failed, again. */
  async put(): Promise<{ added: number; again: number }> {
    const before = await this.size();
    for (const [model, name] of this.models) {
      const jobs = jobsOf(this.hash, this.order, model);
      const queue = await this.queue(name);
      for (let i = 0; i < jobs.length; i += CHUNK) await queue.addBulk(jobs.slice(i, i + CHUNK));
    }
    let again = 0;
    for (const { job } of await this.failedJobs()) {
      await job.retry('failed', { resetAttemptsMade: true, resetAttemptsStarted: true });
      again++;
    }
    await this.client.zadd(PLANS, 'NX', Date.now(), this.hash);
    return { added: (await this.size()) - before, again };
  }

  async counts(): Promise<Counts> {
    const total: Counts = { waiting: 0, running: 0, done: 0, failed: 0 };
    for (const name of this.models.values()) {
      const found = await (await this.queue(name)).getJobCounts();
      total.waiting += found.waiting + found.prioritized + found.delayed + (found.paused ?? 0);
      total.running += found.active;
      total.done += found.completed;
      total.failed += found.failed;
    }
    return total;
  }

  async failures(): Promise<Failure[]> {
    const failed = await this.failedJobs();
    return failed.flatMap(({ unit, job }) => (unit ? [{ unit, sentence: String(job.failedReason) }] : []));
  }

  /** Takes everything from the Redis. Workers that run a unit notice that it is no longer theirs. */
  async remove(): Promise<void> {
    await this.client.zrem(PLANS, this.hash);
    for (const name of this.models.values()) await (await this.queue(name)).obliterate({ force: true });
  }

  /** One look at all queues, without reading what jobs hold. */
  async heads(now = Date.now()): Promise<Head[]> {
    const models = [...this.models];
    const look = this.client.pipeline();
    for (const [, name] of models) {
      const at = (set: string) => `${PREFIX}:${name}:${set}`;
      look.lindex(at('wait'), -1);
      look.zrange(at('prioritized'), '0', '0');
      look.zrange(at('delayed'), '0', '0', 'WITHSCORES');
      look.zcard(at('delayed'));
      look.llen(at('active'));
    }
    const answers = ((await look.exec()) ?? []).map(([error, value]) => {
      if (error) throw error;
      return value;
    });
    return models.map(([model], i) => {
      const [waiting, [prioritized], [delayed, score], many, active] = answers.slice(5 * i, 5 * i + 5) as [
        string | null,
        string[],
        string[],
        number,
        number,
      ];
      const due = delayed !== undefined && Number(score) / DELAYED_FACTOR <= now ? delayed : undefined;
      const next = waiting ?? prioritized ?? due;
      return {
        model,
        // A job that is no unit has to be taken, too, and is refused then.
        weight: next === undefined ? null : (this.byId.get(next)?.weight ?? 0),
        pending: many + active,
      };
    });
  }

  /** The next unit of a model, or null. It belongs to this process until it is settled, or until `lost` tells otherwise. */
  async take(model: string): Promise<TakenUnit | null> {
    const worker = await this.worker(model);
    const token = randomUUID();
    let job: Job | undefined;
    try {
      job = await worker.getNextJob(token, { block: false });
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      await this.discard(model, token);
      return null;
    }
    if (!job) return null;
    const taken = new TakenUnit(job, token, this.unitOf(job));
    if (job.deferredFailure !== undefined && job.deferredFailure !== '') {
      await taken.fail(
        `${ATTEMPTS} workers went away while they ran it: they were killed, or had too little memory.`,
        true,
      );
      return null;
    }
    if (taken.isOfPlan) return taken;
    await taken.fail('This job is no unit of the plan. Nobody runs it.', true);
    return null;
  }

  async close(): Promise<void> {
    await Promise.all([...this.workers.values(), ...this.queues.values()].map((one) => one.close()));
  }

  /** What a job asks for; null unless its id and what it holds name the same unit of this plan. */
  private unitOf({ id, data }: Job): Unit | null {
    const parsed = jobSchema.safeParse(data);
    if (!parsed.success || parsed.data.plan !== this.hash) return null;
    const unit = this.byId.get(String(id));
    return unit?.key === parsed.data.unit ? unit : null;
  }

  /** Removes the job that was just taken with this token, which is not even JSON. */
  private async discard(model: string, token: string): Promise<void> {
    const name = queueName(this.hash, model);
    for (const id of await this.client.lrange(`${PREFIX}:${name}:active`, 0, -1)) {
      const lock = `${PREFIX}:${name}:${id}:lock`;
      if ((await this.client.get(lock)) !== token) continue;
      await this.client.lrem(`${PREFIX}:${name}:active`, 0, id);
      await this.client.del(lock, `${PREFIX}:${name}:${id}`);
    }
  }

  private async size(): Promise<number> {
    const { waiting, running, done, failed } = await this.counts();
    return waiting + running + done + failed;
  }

  private async failedJobs(): Promise<{ unit: Unit | undefined; job: Job }[]> {
    const found: { unit: Unit | undefined; job: Job }[] = [];
    for (const name of this.models.values()) {
      const jobs = await (await this.queue(name)).getFailed();
      found.push(...jobs.map((job) => ({ unit: this.byId.get(String(job.id)), job })));
    }
    return found;
  }

  private async queue(name: string): Promise<Queue> {
    const { Queue: BullQueue } = await import('bullmq');
    const known = this.queues.get(name);
    if (known) return known;
    const queue = new BullQueue(name, { connection: this.client, prefix: PREFIX, skipVersionCheck: true });
    queue.on('error', () => {}); // The connection tells (connection.ts).
    this.queues.set(name, queue);
    return queue;
  }

  private async worker(model: string): Promise<Worker> {
    const { Worker: BullWorker } = await import('bullmq');
    const name = queueName(this.hash, model);
    const known = this.workers.get(name);
    if (known) return known;
    const worker = new BullWorker(name, undefined, {
      ...{ connection: this.client, prefix: PREFIX, skipVersionCheck: true, autorun: false },
      ...{ lockDuration: leaseMs(), stalledInterval: leaseMs() / 2, maxStalledCount: ATTEMPTS - 1 },
    });
    worker.on('error', () => {});
    this.workers.set(name, worker);
    await worker.startStalledCheckTimer();
    return worker;
  }

  /** From now on this process looks for units of these models whose workers went away. */
  async watch(models: Iterable<string>): Promise<void> {
    for (const model of models) await this.worker(model);
  }
}

const jobSchema = z.strictObject({ plan: z.string(), unit: z.string() });

/** BullMQ refuses ids that are whole numbers. */
const idOf = ({ key }: Unit): string => `u${key}`;

function queueName(hash: string, model: string): string {
  return `${hash.slice(0, 16)}-${createHash('sha256').update(model).digest('hex').slice(0, 8)}`;
}

export const heaviestFirst = (units: readonly Unit[]): Unit[] =>
  units
    .map((unit, i) => ({ unit, i }))
    .sort((a, b) => b.unit.weight - a.unit.weight || a.i - b.i)
    .map(({ unit }) => unit);

/** Jobs of a model, or of all. */
export function jobsOf(
  hash: string,
  order: readonly Unit[],
  model?: string,
): { name: string; data: z.infer<typeof jobSchema>; opts: JobsOptions }[] {
  return order.flatMap((unit, i) =>
    model !== undefined && unit.model !== model
      ? []
      : [
          {
            name: unit.eval,
            data: { plan: hash, unit: unit.key },
            opts: {
              ...{ jobId: idOf(unit), priority: i + 1, attempts: ATTEMPTS, stackTraceLimit: 0 },
              backoff: { type: 'fixed', delay: AFTER_FAILURE_MS },
            },
          },
        ],
  );
}
