/**
 * A suite as jobs of Slurm: an array, whose tasks run the shares of a plan, and a merge that starts when all of them have ended,
 * however they ended. Everything lies in one folder: the plan, the two scripts, logs, results, and the numbers of the jobs.
 *
 * Slurm does not start a job again because of its status. So the script does, when a run ends with 75 (unfinished) and the job
 * was not cancelled: it is then still RUNNING. The warning before the time limit reaches only the script (`B:`), which passes it on.
 */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { FileError } from '../../errors.js';
import { shellWord } from '../../printing/shell-command.js';
import { writeFileAtomically } from '../../storage/atomic-file.js';
import { systemCodeOf } from '../../storage/file-failure.js';
import { cacheFolder } from '../../storage/folders.js';

const run = promisify(execFile);

/** Seconds before the time limit at which Slurm warns. */
const WARNING_SECONDS = 120;

export interface SlurmJob {
  /** The suite's file. */
  suite: string;
  /** The folder of the job, which all machines see. */
  folder: string;
  machines: number;
  /** How machines call duo-eval: words of a command. */
  program: readonly string[];
  /** Further options of every run, such as `--threads 8`. */
  flags: readonly string[];
  /** Options of sbatch for the tasks, without those that are always there: `--partition=main`. */
  sbatch: readonly string[];
}

/** The scripts of the array and of the merge. */
export function slurmScripts({ suite, folder, machines, program, flags, sbatch }: SlurmJob): {
  array: string;
  merge: string;
} {
  const at = (name: string) => shellWord(join(folder, name));
  const head = (options: readonly string[]) =>
    ['#!/bin/bash', ...options.map((option) => `#SBATCH ${option}`)].join('\n');
  const cache = `export DUO_EVAL_CACHE=${shellWord(cacheFolder())}`;
  const call = (...words: string[]) => [...program, ...words].map(shellWord).join(' ');
  const log = (name: string) => `--output=${join(folder, name).replaceAll('%', '%%')}`;
  const plan = ['--plan', join(folder, 'plan.json')];
  const array = `${head([
    '--job-name=duo-eval',
    `--array=1-${machines}`,
    log('log-').concat('%a.txt'),
    '--open-mode=append',
    '--requeue',
    `--signal=B:USR1@${WARNING_SECONDS}`,
    ...sbatch,
  ])}
${cache}
${call('run', suite, ...plan, '--units', 'auto', ...flags)} --out ${at('part-')}"$SLURM_ARRAY_TASK_ID.json" &
run=$!
stopped=0
trap 'stopped=1; kill -USR1 $run' USR1 TERM
wait $run; status=$?
while [ $stopped = 1 ]; do stopped=0; wait $run; status=$?; done
trap - USR1 TERM
if [ $status = 75 ] && scontrol --oneliner show job "$SLURM_JOB_ID" | grep -q JobState=RUNNING; then
  scontrol requeue "$SLURM_JOB_ID" && sleep 60
fi
exit $status
`;
  const outputs = ['results.json', 'results.csv', 'results.html'].flatMap((name) => [
    '--out',
    join(folder, name),
  ]);
  const merge = `${head(['--job-name=duo-eval-merge', log('log-merge.txt'), ...partitionOf(sbatch)])}
${cache}
exec ${call('merge', '--from-cache', suite, ...plan, ...flags, ...outputs)}
`;
  return { array, merge };
}

/** The merge runs where the tasks may, and asks for no more than a small job. */
const partitionOf = (sbatch: readonly string[]) =>
  sbatch.filter((option) => /^--(partition|account|qos)=/.test(option));

const submittedSchema = z.object({ array: z.string(), merge: z.string(), machines: z.int() });
/** The numbers of the jobs. */
export type Submitted = z.infer<typeof submittedSchema>;

/** Writes the scripts and hands them to Slurm. @throws FileError */
export async function submitToSlurm(job: SlurmJob): Promise<Submitted> {
  const scripts = slurmScripts(job);
  const { folder, machines } = job;
  const submit = async (name: string, script: string, ...options: string[]) => {
    await writeFileAtomically(join(folder, name), script);
    return (await slurm('sbatch', '--parsable', ...options, join(folder, name))).trim().split(';')[0];
  };
  const array = await submit('array.sh', scripts.array);
  const merge = await submit('merge.sh', scripts.merge, `--dependency=afterany:${array}`);
  const submitted = { array, merge, machines };
  await writeFileAtomically(submittedIn(folder), `${JSON.stringify(submitted)}\n`);
  return submitted;
}

const submittedIn = (folder: string) => join(folder, 'submitted.json');

/** @throws FileError where nothing was submitted from */
export function submittedJobs(folder: string): Submitted {
  const path = submittedIn(folder);
  if (existsSync(path)) {
    const parsed = submittedSchema.safeParse(JSON.parse(readFileSync(path, 'utf8')));
    if (parsed.success) return parsed.data;
  }
  throw new FileError({
    code: 'nothing-submitted',
    message: `${folder} holds no submitted suite.`,
    hint: 'Give the folder that duo-eval submit named.',
  });
}

export interface JobState {
  /** `1` to the number of machines, or `merge`. */
  task: string;
  /** As Slurm says: PENDING, RUNNING, COMPLETED, FAILED, … */
  state: string;
}

/** How the jobs stand, as long as Slurm remembers them. @throws FileError */
export async function statesOf({ array, merge }: Submitted): Promise<JobState[]> {
  const format = ['--noheader', '--array', '--states=all', '--format=%F %K %T'];
  const text = await slurm('squeue', ...format, `--jobs=${array},${merge}`);
  return text
    .trim()
    .split('\n')
    .filter(Boolean)
    .map((line) => line.trim().split(/\s+/))
    .map(([id, task, state]) => ({ task: id === merge ? 'merge' : task, state }))
    .sort((a, b) => (Number(a.task) || Infinity) - (Number(b.task) || Infinity));
}

const ENDED = /^(COMPLETED|FAILED|CANCELLED|TIMEOUT|NODE_FAIL|OUT_OF_MEMORY|BOOT_FAIL|DEADLINE)$/;

/** Whether the merge has ended, and how: its state, or null. A job that Slurm has forgotten has ended. */
export function endOf(states: readonly JobState[]): string | null {
  const merge = states.find(({ task }) => task === 'merge');
  if (!merge) return 'FORGOTTEN';
  return ENDED.test(merge.state) ? merge.state : null;
}

/** @throws FileError */
export async function cancelJobs({ array, merge }: Submitted): Promise<void> {
  await slurm('scancel', array, merge);
}

/** @returns what a command of Slurm printed   @throws FileError */
async function slurm(command: string, ...args: string[]): Promise<string> {
  try {
    return (await run(command, args)).stdout;
  } catch (cause) {
    const { stderr = '' } = cause as { stderr?: string };
    const isMissing = systemCodeOf(cause) === 'ENOENT';
    throw new FileError({
      code: 'slurm-failed',
      message: isMissing
        ? `There is no ${command} here.`
        : `${command} failed: ${stderr.trim().replace(/\.?$/, '.')}`,
      hint: isMissing
        ? 'Submit from a machine that has Slurm; --print shows the scripts.'
        : 'sinfo shows the partitions, and --print the scripts.',
      cause,
    });
  }
}
