/** The schedulers that a suite can be submitted to. */
import { closest, UsageError } from '../../errors.js';
import { REDIS } from './redis/redis.js';
import { readSubmitted, type Scheduler } from './scheduler.js';
import { SLURM } from './slurm.js';

const SCHEDULERS: readonly Scheduler[] = [SLURM as Scheduler, REDIS as Scheduler];

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
