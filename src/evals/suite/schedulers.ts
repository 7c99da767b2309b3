/** The schedulers that a suite can be submitted to. */
import { closest, UsageError } from '../../errors.js';
import { KUBERNETES } from './kubernetes.js';
import { REDIS } from './redis/redis.js';
import { readSubmitted, type Scheduler, type Submission } from './scheduler.js';
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
