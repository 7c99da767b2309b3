/**
 * Plans that were put on a queue, in the cache that submitter and workers share, each under its hash. A job names a plan and a unit, no
 * more: a worker runs what the plan in its own cache says, never what a job says.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { FileError } from '../../../errors.js';
import { readCacheEntry, writeCacheEntry } from '../../../storage/cache-entry.js';
import { type CacheRoom, roomOfFiles } from '../../../storage/cache-inventory.js';
import { sha256OfBytes } from '../../../storage/digest.js';
import { cacheFolder } from '../../../storage/folders.js';
import { planSchema } from '../units.js';

const schema = z.strictObject({
  schemaVersion: z.literal(1),
  /** The suite's file. */
  suite: z.string(),
  /** How models run on every machine. */
  provider: z.string(),
  threads: z.int().min(1).nullable(),
  plan: planSchema.shape.plan,
});
/** What a worker needs of a submitted suite. */
export type KeptPlan = Omit<z.infer<typeof schema>, 'schemaVersion'>;

/** For `cache ls` and `cache clear`. */
export const plansRoom: CacheRoom = roomOfFiles('plans', 'plans of submitted suites', describePlan);

/** Hash of a plan: 64 hexadecimal digits. */
export const isPlanHash = (text: string): boolean => /^[0-9a-f]{64}$/.test(text);

const pathOf = (hash: string) => join(cacheFolder(), 'plans', `${hash}.json`);

const contentOf = ({ suite, provider, threads, plan }: KeptPlan) =>
  JSON.stringify({ schemaVersion: 1, suite, provider, threads, plan });

export const hashOfPlan = (plan: KeptPlan): string => sha256OfBytes(contentOf(plan));

/** @throws FileError */
export async function keepPlan(plan: KeptPlan): Promise<void> {
  await writeCacheEntry(pathOf(hashOfPlan(plan)), Buffer.from(contentOf(plan)));
}

/** Null where the cache holds none with this hash. */
export async function keptPlan(hash: string): Promise<KeptPlan | null> {
  if (!isPlanHash(hash)) return null;
  const plan = await readPlanAt(pathOf(hash));
  return plan && hashOfPlan(plan) === hash ? plan : null;
}

/** The error where the cache has lost a plan, or is another than at submission. */
export const planMissing = (hash: string): FileError =>
  new FileError({
    code: 'plan-missing',
    message: `This cache has no plan ${hash.slice(0, 16)}: it was cleared, or is another than at submission.`,
    hint: 'Set DUO_EVAL_CACHE to the cache of the submission, or submit the suite again.',
  });

async function readPlanAt(path: string): Promise<KeptPlan | null> {
  const bytes = await readCacheEntry(path);
  const parsed = bytes && schema.safeParse(JSON.parse(bytes.toString('utf8')));
  return parsed?.success ? parsed.data : null;
}

/** @returns null for a file that is damaged */
async function describePlan(path: string): Promise<string | null> {
  const kept = await readPlanAt(path);
  return kept && `${kept.plan.units.length} units of ${kept.plan.name}`;
}
