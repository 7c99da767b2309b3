/** A suite on a queue of Redis: workers of any number of machines, `duo-eval worker`, take its units one by one. */

import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { z } from 'zod';
import type { ProviderChoice } from '../../../models/provider.js';
import type { Observer } from '../../../observer.js';
import { writeFileAtomically } from '../../../storage/atomic-file.js';
import { plainText } from '../../../terminal-text.js';
import type { Scheduler, Submission } from '../scheduler.js';
import { type UnitPlan, unitInWords } from '../units.js';
import { connectToRedis, isRedisAddress, parseRedisAddress, type RedisAddress } from './connection.js';
import { hashOfPlan, type KeptPlan, keepPlan, keptPlan, planMissing } from './kept-plan.js';
import { heaviestFirst, jobsOf, UnitQueue } from './queue.js';

const submittedSchema = z.object({
  /** Without a password. */
  address: z.string(),
  username: z.string().nullable(),
  /** Hash of the plan. */
  plan: z.string(),
  allowCode: z.boolean(),
});
type Submitted = z.infer<typeof submittedSchema>;

/** Failures that are told one by one. */
const FAILURES_SHOWN = 20;

export const REDIS: Scheduler<Submitted> = {
  name: 'redis',
  address: 'redis://…',
  jobs: submittedSchema,
  takes: [],
  isNamedBy: isRedisAddress,
  async preview(submission) {
    const { label } = parseRedisAddress(submission.to);
    const kept = keptOf(submission, await submission.plan(true));
    const { units } = kept.plan;
    const hash = hashOfPlan(kept);
    const byKey = new Map(units.map((unit) => [unit.key, unit]));
    const jobs = jobsOf(hash, heaviestFirst(units));
    const lines = jobs.map(({ data, opts }) => {
      const unit = byKey.get(data.unit)!; // jobs are of these units
      return `${String(opts.priority).padStart(6)}  ${plainText(unitInWords(unit))}`;
    });
    return {
      text: [
        `${units.length} units of plan ${hash.slice(0, 16)} for ${label}, heaviest first:`,
        ...lines,
      ].join('\n'),
      record: { redis: label, plan: hash, jobs },
    };
  },
  // A unit is on the queue once.
  async holdsAlready({ address, plan }, submission) {
    const hash = hashOfPlan(keptOf(submission, await submission.plan(true)));
    return plan === hash && address === parseRedisAddress(submission.to).label;
  },
  async submit(submission) {
    const address = parseRedisAddress(submission.to);
    const client = await connected(address, submission.observer);
    const kept = keptOf(submission, await submission.plan(true));
    const hash = hashOfPlan(kept);
    const { allowCode } = submission.settings;
    await writeFileAtomically(
      join(submission.folder, 'plan.json'),
      `${JSON.stringify({ schemaVersion: 1, plan: kept.plan })}\n`,
    );
    await keepPlan(kept);
    const queue = new UnitQueue(client, kept);
    const { added, again } = await queue.put();
    await queue.close();
    const there = kept.plan.units.length - added - again;
    const told = [
      `Put ${added} units on the queue at ${address.label}`,
      ...(again > 0 ? [`${again} that had failed again`] : []),
      ...(there > 0 ? [`${there} were there`] : []),
    ];
    return {
      jobs: { address: address.label, username: address.username ?? null, plan: hash, allowCode },
      text: `${told.join(', ')}. Workers: duo-eval worker --queue ${address.label}.`,
      record: { redis: address.label, plan: hash, added, again },
    };
  },
  async standing(jobs, folder, observer) {
    const queue = await queueOf(jobs, observer);
    const { units } = queue.kept.plan;
    const counts = await queue.counts();
    const failures = counts.failed > 0 ? await queue.failures() : [];
    await queue.close();
    const { waiting, running, done, failed } = counts;
    const missing = units.length - waiting - running - done - failed;
    const text = [
      ...Object.entries(counts).map(([name, count]) => `${name.padEnd(9)}${count}`),
      ...failures
        .slice(0, FAILURES_SHOWN)
        .map(({ unit, sentence }) => `${plainText(unitInWords(unit))}: ${plainText(sentence)}`),
      ...(failures.length > FAILURES_SHOWN ? [`and ${failures.length - FAILURES_SHOWN} more failures`] : []),
      ...(missing > 0 ? [`${missing} units are not on the queue.`] : []),
    ].join('\n');
    const again = `duo-eval submit, given the same again, puts what failed or is missing on the queue.`;
    const end = () => {
      if (waiting + running > 0) return null;
      if (failures.length > 0) {
        const [{ unit, sentence }] = failures;
        return {
          message: `${failed} of ${units.length} units failed, among them ${plainText(unitInWords(unit))}: ${plainText(sentence)}`,
          hint: `duo-eval submit status ${folder} tells of all. ${again}`,
        };
      }
      if (missing > 0)
        return {
          message: `${missing} of ${units.length} units are not on the queue: they were cancelled, or the Redis has lost them.`,
          hint: again,
        };
      return 'complete' as const;
    };
    return {
      text,
      record: {
        ...counts,
        failures: failures.map(({ unit, sentence }) => ({ unit: unit.key, model: unit.model, sentence })),
      },
      ...{ finished: done, total: units.length, end: end() },
    };
  },
  async cancel(jobs, observer) {
    const queue = await queueOf(jobs, observer);
    const { waiting, running } = await queue.counts();
    await queue.remove();
    await queue.close();
    return {
      text: `Took ${waiting + running} units that were not done off the queue. Workers stop those that they run.`,
      record: { cancelled: waiting + running },
    };
  },
  async toMerge(jobs) {
    const { suite, provider, threads } = await planOf(jobs);
    return {
      suite,
      settings: {
        provider: provider as ProviderChoice,
        threads: threads ?? undefined,
        allowCode: jobs.allowCode,
      },
    };
  },
};

function keptOf({ suite, settings: { provider, threads } }: Submission, { plan }: UnitPlan): KeptPlan {
  return { suite, provider, threads: threads ?? null, plan };
}

/** @throws FileError where the cache has lost the plan */
async function planOf({ plan }: Submitted): Promise<KeptPlan> {
  const kept = await keptPlan(plan);
  if (kept === null) throw planMissing(plan);
  return kept;
}

async function queueOf(jobs: Submitted, observer: Observer | undefined): Promise<UnitQueue> {
  const kept = await planOf(jobs);
  const address = parseRedisAddress(jobs.address);
  const client = await connected({ ...address, username: jobs.username ?? undefined }, observer);
  return new UnitQueue(client, kept);
}

const open = new Map<string, Promise<Redis>>();

/** The connection of this process to a Redis, which lives as long as it. */
function connected(address: RedisAddress, observer: Observer = {}): Promise<Redis> {
  const known = open.get(address.label);
  if (known) return known;
  const made = connectToRedis(address, observer);
  open.set(address.label, made);
  return made;
}
