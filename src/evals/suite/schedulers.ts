/** The schedulers that a suite can be submitted to. */
import { existsSync } from 'node:fs';
import { relative } from 'node:path';
import { closest, DuoEvalError, FileError, InUseError, UsageError } from '../../errors.js';
import { shellWord } from '../../printing/shell-command.js';
import { KUBERNETES } from './kubernetes.js';
import { REDIS } from './redis/redis.js';
import { readSubmitted, type Scheduler, type Submission, submittedIn } from './scheduler.js';
import { SLURM } from './slurm.js';

const SCHEDULERS: readonly Scheduler[] = [SLURM as Scheduler, KUBERNETES as Scheduler, REDIS as Scheduler];

/** The scheduler that `--to` names. @throws UsageError */
export function schedulerNamed(to: string): Scheduler {
  const found = SCHEDULERS.find((one) => one.isNamedBy(to));
  if (found) return found;
  const known = SCHEDULERS.map(({ address }) => address);
  const near = closest(to, known);
  throw new UsageError({
    code: 'invalid-flag-value',
    message: `--to has no value "${to.replace(/\/\/.*@/, '//…@')}".`,
    hint: `${near ? `Did you mean ${near}? ` : ''}It takes one of: ${known.join(', ')}.`,
  });
}

/** The scheduler that the suite of a folder was handed to, and its jobs. @throws FileError where nothing was submitted from */
export const submittedFrom = (folder: string) => readSubmitted(folder, SCHEDULERS);

/**
 * The jobs of a folder read its plan and write into it, so no others are started from there until they have ended.
 * @throws InUseError; FileError where nobody can tell whether they have
 */
export async function checkFolderIsFree(scheduler: Scheduler, submission: Submission): Promise<void> {
  const { folder, observer } = submission;
  if (!existsSync(submittedIn(folder))) return;
  const earlier = submittedFrom(folder);
  const at = shellWord(relative('', folder) || '.');
  const standing = await earlier.scheduler.standing(earlier.jobs, folder, observer).catch((cause) => {
    if (!(cause instanceof DuoEvalError)) throw cause;
    throw new FileError({
      code: 'jobs-unknown',
      message: `Nobody can tell whether the jobs of ${folder} still run: ${cause.message}`,
      hint: `Give another --folder. Without ${submittedIn(at)}, duo-eval knows nothing of those jobs.`,
      cause,
    });
  });
  const { end, finished, total } = standing;
  if (end !== null) return;
  if (earlier.scheduler === scheduler && (await scheduler.holdsAlready?.(earlier.jobs, submission))) return;
  throw new InUseError({
    code: 'in-use',
    message: `Jobs that were submitted from ${folder} are still under way: ${finished} of ${total} are done.`,
    hint: `duo-eval submit status ${at} shows them, submit wait ${at} waits for them, and submit cancel ${at} ends them; what they finished is kept. Or give another --folder.`,
  });
}

/** The flags that are for this scheduler. @throws UsageError for one that is for another */
export function optionsFor(
  { address, takes }: Scheduler,
  flags: Readonly<Record<string, unknown>>,
): Submission['options'] {
  for (const other of SCHEDULERS) {
    const foreign = other.takes.find((name) => flags[name] !== undefined && !takes.includes(name));
    if (foreign === undefined) continue;
    throw new UsageError({
      code: 'flag-of-other-scheduler',
      message: `--${foreign} is for --to ${other.address}, not for --to ${address}.`,
      hint: `Leave it out, or submit to ${other.address}.`,
    });
  }
  return Object.fromEntries(takes.map((name) => [name, flags[name] as string | undefined]));
}
