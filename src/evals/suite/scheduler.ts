/**
 * Where a suite can be submitted to. Each scheduler is declared in one file (schedulers.ts lists them): how `--to` names it, what it would
 * be given, how it is given that, and how the jobs stand. What it needs to find them again is kept in the folder, `submitted.json`.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { FileError } from '../../errors.js';
import type { ProviderChoice } from '../../models/provider.js';
import type { Observer } from '../../observer.js';
import { writeFileAtomically } from '../../storage/atomic-file.js';
import { systemCodeOf } from '../../storage/file-failure.js';
import { MOST_BYTES } from '../../storage/small-file.js';
import { jsonIn, type UnitPlan } from './units.js';

/** What `submit` asks for. */
export interface Submission {
  /** As given: the scheduler, and where it is if it has an address. */
  to: string;
  /** The suite's file. */
  suite: string;
  /** The folder of the job, which all machines see. */
  folder: string;
  machines: number;
  /** How machines call duo-eval: words of a command; null where that was left to the scheduler. */
  program: readonly string[] | null;
  /** How models run on every machine. */
  settings: { provider: ProviderChoice; threads?: number; allowCode: boolean };
  /** Options of one scheduler alone, as flags of `submit` gave them. */
  options: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The plan of the units. It opens the models, so only who needs it asks for it. @param again the folder's plan, if it still holds */
  plan(again?: boolean): Promise<UnitPlan>;
  observer?: Observer;
}

/** What is printed: a text for people, and a value for `--json`. */
export interface Shown {
  text: string;
  record: object;
}

/** How the jobs of a submitted suite stand. */
export interface Standing extends Shown {
  finished: number;
  total: number;
  /** What whoever waits must do for things to go on, or before the end is told; absent where nothing is to be done. */
  next?: () => Promise<void>;
  /** Null while something is under way or waits; else whether everything was done. */
  end: null | 'complete' | { message: string; hint: string };
}

/** One scheduler. `Jobs` is what it keeps to find its jobs again: plain JSON. */
export interface Scheduler<Jobs extends object = object> {
  /** In `submitted.json`, and in lists of what `--to` takes. */
  readonly name: string;
  /** What `--to` takes, for people: `slurm`, `redis://…`. */
  readonly address: string;
  readonly jobs: z.ZodType<Jobs>;
  isNamedBy(to: string): boolean;
  /** The flags of `submit` that are for it alone. */
  readonly takes: readonly string[];
  /** Where the results will be, for people; absent where they come into the folder. */
  results?(jobs: Jobs): string;
  /** What would be submitted. */
  preview(submission: Submission): Promise<Shown>;
  /** Whether jobs under way are just those of a submission, and submitting them once more adds none; absent where it always does. */
  holdsAlready?(jobs: Jobs, submission: Submission): Promise<boolean>;
  /** @throws FileError when it refuses */
  submit(submission: Submission): Promise<{ jobs: Jobs } & Shown>;
  standing(jobs: Jobs, folder: string, observer?: Observer): Promise<Standing>;
  /** What was finished stays in the cache. */
  cancel(jobs: Jobs, observer?: Observer): Promise<Shown>;
  /** What `submit wait` merges into the folder, once all is done; absent where a job of the scheduler does. */
  toMerge?(jobs: Jobs): Promise<Pick<Submission, 'suite' | 'settings'>>;
}

/** Options of `run` and `merge` that say how models run. */
export const settingFlags = ({ threads, provider, allowCode }: Submission['settings']): string[] => [
  ...(threads === undefined ? [] : ['--threads', String(threads)]),
  ...(provider === 'cpu' ? [] : ['--provider', provider]),
  ...(allowCode ? ['--allow-code'] : []),
];

/** How this command was called, for machines that have what this one has. */
export const ownProgram = (): readonly string[] => [process.execPath, process.argv[1]];

export const submittedIn = (folder: string) => join(folder, 'submitted.json');

/** Keeps how the jobs are found again. @throws FileError */
export async function keepSubmitted(folder: string, name: string, jobs: object): Promise<void> {
  await writeFileAtomically(submittedIn(folder), `${JSON.stringify({ to: name, ...jobs })}\n`);
}

/** The scheduler that the suite of a folder was handed to, and its jobs. @throws FileError where nothing was submitted from */
export function readSubmitted(
  folder: string,
  schedulers: readonly Scheduler[],
): { scheduler: Scheduler; jobs: object } {
  const path = submittedIn(folder);
  const value = existsSync(path) ? jsonIn(path, MOST_BYTES.card) : null;
  const named = z.looseObject({ to: z.string().default('slurm') }).safeParse(value);
  const scheduler = schedulers.find(({ name }) => name === named.data?.to);
  const jobs = scheduler?.jobs.safeParse(value);
  if (scheduler && jobs?.success) return { scheduler, jobs: jobs.data };
  throw new FileError({
    code: 'nothing-submitted',
    message: `${folder} holds no submitted suite.`,
    hint: 'Give the folder that duo-eval submit named.',
  });
}

/** Answers may name every one of many tasks. */
const MOST_ANSWER = 2 ** 29;

/**
 * Runs a program of the scheduler.
 * @param said code of the failure, and hints for a program that is missing and for one that fails
 * @returns what it printed   @throws FileError
 */
export async function callProgram(
  program: string,
  args: readonly string[],
  said: { code: string; missing: string; failed: string },
): Promise<string> {
  try {
    return (await promisify(execFile)(program, args, { maxBuffer: MOST_ANSWER })).stdout;
  } catch (cause) {
    const { stderr = '' } = cause as { stderr?: string };
    const isMissing = systemCodeOf(cause) === 'ENOENT';
    throw new FileError({
      code: said.code,
      message: isMissing
        ? `There is no ${program} here.`
        : `${program} failed: ${stderr.trim().replace(/\.?$/, '.')}`,
      hint: isMissing ? said.missing : said.failed,
      cause,
    });
  }
}
