/**
 * A suite as jobs of Slurm: an array, whose tasks run the shares of a plan, and a merge that starts when all of them have ended,
 * however they ended. Everything lies in one folder: the plan, the two scripts, logs, results, and the numbers of the jobs.
 *
 * Slurm does not start a job again because of its status. So the script does, when a run ends with 75 (unfinished) and the task
 * was not cancelled: it is then still RUNNING. It names its place in the array, since the number of the last task is that of the
 * whole array. A run that is stopped too often with nothing new ends with 77, and its task is not started again; after a preemption
 * or a lost node Slurm itself would do so, and then the script ends at once. The warning before the time limit reaches only the script (`B:`), which passes it on; SIGTERM, of scancel and of
 * preemption, reaches the run as well. A run that either kills in its first milliseconds is unfinished, too.
 *
 * Slurm forgets a job some minutes after its end, and often has no database. So a script leaves its status in the folder.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { shellWord } from '../../printing/shell-command.js';
import { writeFileAtomically } from '../../storage/atomic-file.js';
import { cacheFolder } from '../../storage/folders.js';
import { makeFolder } from '../../storage/make-folder.js';
import { readSmallFile } from '../../storage/small-file.js';
import { callProgram, ownProgram, type Scheduler, type Submission, settingFlags } from './scheduler.js';

/** Seconds before the time limit at which Slurm warns; of a short limit, a quarter. Slurm may do so 30 to 60 seconds earlier. */
const WARNING_SECONDS = 120;

/** Exit status (errors.ts) of a run that was stopped too often with nothing new. */
const NO_PROGRESS = 77;

/** The scripts of the array and of the merge. */
function slurmScripts({ suite, folder, machines, program, settings, options }: Submission): {
  array: string;
  merge: string;
} {
  const flags = settingFlags(settings);
  const sbatch = sbatchOptions(options, settings.threads);
  const at = (name: string) => shellWord(join(folder, name));
  const head = (options: readonly string[]) =>
    ['#!/bin/bash', ...options.map((option) => `#SBATCH ${sbatchWord(option)}`)].join('\n');
  /** Leaves the status in the folder, with the number of the job. @param name,job as the shell expands them */
  const start = (name: string, job: string) => `export DUO_EVAL_CACHE=${shellWord(cacheFolder())}
ended() { echo "${job} $1" > ${at('ended-')}"${name}"; exit "$1"; }
if [ ! -d "$DUO_EVAL_CACHE" ]; then
  echo "Error: There is no folder $DUO_EVAL_CACHE on $HOSTNAME. The cache must be one that all machines see: set DUO_EVAL_CACHE, and submit again." >&2
  ended 6
fi`;
  const call = (...words: string[]) => [...(program ?? ownProgram()), ...words].map(shellWord).join(' ');
  const log = (name: string) => `--output=${join(folder, name).replaceAll('%', '%%')}`;
  const plan = ['--plan', join(folder, 'plan.json')];
  const array = `${head([
    '--job-name=duo-eval',
    `--array=1-${machines}`,
    log('log-').concat('%a.txt'),
    '--open-mode=append',
    '--requeue',
    `--signal=B:USR1@${warningSeconds(sbatch)}`,
    ...sbatch,
  ])}
${start('$SLURM_ARRAY_TASK_ID', '$SLURM_ARRAY_JOB_ID')}
if [ "\${SLURM_RESTART_COUNT:-0}" -gt 0 ] && [ "$(cat ${at('ended-')}"$SLURM_ARRAY_TASK_ID" 2>/dev/null)" = "$SLURM_ARRAY_JOB_ID ${NO_PROGRESS}" ]; then
  echo "Error: Slurm started this task once more, although it was given up for want of progress." >&2
  exit ${NO_PROGRESS}
fi
run=
stopped=0
trap 'stopped=1; [ -z "$run" ] || kill -USR1 "$run"' USR1
trap 'stopped=1' TERM
${call('run', suite, ...plan, '--units', 'auto', ...flags)} --out ${at('part-')}"$SLURM_ARRAY_TASK_ID.json" &
run=$!
if [ $stopped = 1 ]; then kill -USR1 $run; fi
wait $run; status=$?
while [ $stopped = 1 ]; do stopped=0; wait $run; status=$?; done
trap '' USR1
trap - TERM
case $status in 138 | 143) status=75 ;; esac
task="\${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID"
if [ $status = 75 ] && scontrol --oneliner show job "$task" | grep -q JobState=RUNNING; then
  scontrol requeue "$task" && sleep 60
fi
ended $status
`;
  const outputs = ['results.json', 'results.csv', 'results.html'].flatMap((name) => [
    '--out',
    join(folder, name),
  ]);
  const merge = `${head(['--job-name=duo-eval-merge', log('log-merge.txt'), ...partitionOf(sbatch)])}
${start('merge', '$SLURM_JOB_ID')}
${call('merge', '--from-cache', suite, ...plan, ...flags, ...outputs)}
ended $?
`;
  return { array, merge };
}

/** An option in a line of a script, as sbatch reads it: it knows quotation marks and backslashes, and takes # for a remark. */
const sbatchWord = (option: string) =>
  /^[\w@%+=:,./-]+$/.test(option) ? option : `"${option.replace(/["\\]/g, '\\$&')}"`;

function warningSeconds(sbatch: readonly string[]): number {
  const limits = sbatch.flatMap((option) => /^--time=(.+)$/.exec(option)?.[1] ?? []);
  const limit = secondsOf(limits.at(-1) ?? '');
  return Math.min(WARNING_SECONDS, Math.floor((limit ?? Infinity) / 4));
}

/** Seconds of `minutes`, `minutes:seconds`, `hours:minutes:seconds`, `days-hours`, `days-hours:minutes` and `days-hours:minutes:seconds`. */
function secondsOf(time: string): number | null {
  const [, days, rest] = /^(?:(\d+)-)?(\d+(?::\d+){0,2})$/.exec(time.trim()) ?? [];
  if (rest === undefined) return null;
  const parts = rest.split(':').map(Number);
  const [hours, minutes, seconds] =
    days !== undefined || parts.length === 3 ? [...parts, 0, 0] : [0, ...parts, 0];
  return ((24 * Number(days ?? 0) + hours) * 60 + minutes) * 60 + seconds;
}

/** Options of sbatch for the tasks, without those that are always there: `--partition=main`. */
function sbatchOptions(
  { sbatch = [], ...named }: Submission['options'],
  threads: number | undefined,
): string[] {
  const own = ['partition', 'gres', 'time'].flatMap((name) => {
    const value = named[name];
    return typeof value === 'string' ? [`--${name}=${value}`] : [];
  });
  const cpus = threads === undefined ? [] : [`--cpus-per-task=${threads}`];
  // An option is one line of a script.
  return [...own, ...cpus, ...[sbatch].flat()].map((option) => option.replace(/[\r\n]+/g, ' '));
}

/** The merge runs where the tasks may, and asks for no more than a small job. */
const partitionOf = (sbatch: readonly string[]) =>
  sbatch.filter((option) => /^--(partition|account|qos)=/.test(option));

const submittedSchema = z.object({ array: z.string(), merge: z.string(), machines: z.int() });
/** The numbers of the jobs. */
type Submitted = z.infer<typeof submittedSchema>;

/** Writes the scripts and hands them to Slurm. @throws FileError */
async function submitToSlurm(job: Submission): Promise<Submitted> {
  const scripts = slurmScripts(job);
  const { folder, machines } = job;
  // Machines take a folder that is missing for one that they do not see.
  makeFolder(cacheFolder());
  const submit = async (name: string, script: string, ...options: string[]) => {
    await writeFileAtomically(join(folder, name), script);
    return (await slurm('sbatch', '--parsable', ...options, join(folder, name))).trim().split(';')[0];
  };
  const array = await submit('array.sh', scripts.array);
  try {
    const merge = await submit('merge.sh', scripts.merge, `--dependency=afterany:${array}`);
    return { array, merge, machines };
  } catch (error) {
    // Nothing would know of it.
    await slurm('scancel', array).catch(() => {});
    throw error;
  }
}

interface JobState {
  /** `1` to the number of machines, or `merge`. */
  task: string;
  /** As Slurm says: PENDING, RUNNING, COMPLETED, FAILED, …; FORGOTTEN where neither Slurm nor the folder knows it. */
  state: string;
  /** Why it waits, as Slurm says: Resources, Priority, BeginTime, …; absent where it says nothing. */
  reason?: string;
  /** Exit status of a task that failed, where its script could leave it. */
  status?: number;
}

const ENDED = /^(COMPLETED|FAILED|CANCELLED|TIMEOUT|NODE_FAIL|OUT_OF_MEMORY|BOOT_FAIL|DEADLINE|FORGOTTEN)$/;

/** How the jobs stand: as Slurm says while it remembers them, then as their scripts left it in the folder. @throws FileError */
async function statesOf({ array, merge, machines }: Submitted, folder: string): Promise<JobState[]> {
  const format = ['--noheader', '--array', '--states=all', '--format=%F %K %T %r'];
  const text = await slurm('squeue', ...format, `--jobs=${array},${merge}`);
  const inQueue = new Map(
    text
      .trim()
      .split('\n')
      .filter(Boolean)
      .map((line) => /^\s*(\S+)\s+(\S+)\s+(\S+)\s*(.*?)\s*$/.exec(line) ?? [])
      .map(([, id, task, state, reason]): [string, JobState] => {
        const name = id === merge ? 'merge' : task;
        return [name, { task: name, state, ...(state === 'PENDING' && reason !== 'None' && { reason }) }];
      }),
  );
  const tasks = [...Array.from({ length: machines }, (_, i) => String(i + 1)), 'merge'];
  return tasks.map((task) => {
    const queued = inQueue.get(task);
    if (queued && (!ENDED.test(queued.state) || queued.state === 'COMPLETED')) return queued;
    const own = Number(task === 'merge' ? merge : array);
    const left = leftBy(task, folder);
    // What somebody started again has a later number.
    if (left === null || left.job < own || (queued && left.job === own && queued.state !== 'FAILED'))
      return queued ?? { task, state: 'FORGOTTEN' };
    return left.status === 0 ? { task, state: 'COMPLETED' } : { task, state: 'FAILED', status: left.status };
  });
}

/** What a script left in the folder; null where it has not ended by itself. */
function leftBy(task: string, folder: string): { job: number; status: number } | null {
  const path = join(folder, `ended-${task}`);
  if (!existsSync(path)) return null;
  const [, job, status] = /^(\d+) (\d+)\s*$/.exec(readSmallFile(path, 1024).toString('utf8')) ?? [];
  return status === undefined ? null : { job: Number(job), status: Number(status) };
}

/** What to do about a merge that did not complete: what it said is missing, and how the tasks are started again. */
function adviceOn(states: readonly JobState[], folder: string): string {
  const log = join(folder, 'log-merge.txt');
  const text = existsSync(log) ? readSmallFile(log, MOST_LOG_BYTES).toString('utf8') : '';
  const said = text.slice(text.lastIndexOf('Error: ')).replace(/\s+/g, ' ').trim();
  const failed = states.filter(({ task, state }) => task !== 'merge' && state !== 'COMPLETED');
  const at = (name: string) => shellWord(join(folder, name));
  const again =
    failed.length === 0
      ? `Once that is done, this merges again: sbatch ${at('merge.sh')}`
      : `${failed.length === 1 ? `Task ${failed[0].task} has` : `${failed.length} tasks have`} not completed, and ${at(`log-${failed[0].task}.txt`)} says why; sbatch --array=${failed.map(({ task }) => task).join(',')} ${at('array.sh')} starts what failed again, and then sbatch ${at('merge.sh')} merges.`;
  return `${said.startsWith('Error: ') ? said.slice('Error: '.length) : `${log} says why.`} ${again}`;
}

/** A merge prints a table, and what is missing. */
const MOST_LOG_BYTES = 2 ** 26;

/** @throws FileError */
async function cancelJobs({ array, merge }: Submitted): Promise<void> {
  await slurm('scancel', array, merge);
}

/** @returns what a command of Slurm printed   @throws FileError */
const slurm = (command: string, ...args: string[]): Promise<string> =>
  callProgram(command, args, {
    code: 'slurm-failed',
    missing: 'Submit from a machine that has Slurm; --print shows the scripts.',
    failed: 'sinfo shows the partitions, and --print the scripts.',
  });

export const SLURM: Scheduler<Submitted> = {
  name: 'slurm',
  address: 'slurm',
  jobs: submittedSchema,
  takes: ['partition', 'gres', 'time', 'sbatch'],
  isNamedBy: (to) => to === 'slurm',
  async preview(submission) {
    const { array, merge } = slurmScripts(submission);
    return { text: `${array}\n${merge}`, record: { array, merge } };
  },
  async submit(submission) {
    const { folder, machines } = submission;
    await writeFileAtomically(join(folder, 'plan.json'), `${JSON.stringify(await submission.plan())}\n`);
    const jobs = await submitToSlurm(submission);
    const { array, merge } = jobs;
    return {
      jobs,
      text: `Submitted ${machines} tasks as job ${array}, and their merge as job ${merge}.`,
      record: { array, merge },
    };
  },
  async standing(jobs, folder) {
    const states = await statesOf(jobs, folder);
    // the merge stands last
    const { state: end } = states.at(-1)!;
    return {
      text: states
        .map(({ task, state, reason, status }) =>
          [
            task.padEnd(7),
            state.padEnd(10),
            reason ?? (status === undefined ? '' : `status ${status}: ${join(folder, `log-${task}.txt`)}`),
          ]
            .join(' ')
            .trimEnd(),
        )
        .join('\n'),
      record: { tasks: states },
      finished: states.filter(({ task, state }) => task !== 'merge' && state === 'COMPLETED').length,
      total: jobs.machines,
      end:
        end === 'COMPLETED'
          ? 'complete'
          : ENDED.test(end)
            ? { message: `The merge of ${folder} ended as ${end}.`, hint: adviceOn(states, folder) }
            : null,
    };
  },
  async cancel(jobs) {
    await cancelJobs(jobs);
    const { array, merge } = jobs;
    return { text: `Cancelled jobs ${array} and ${merge}.`, record: { cancelled: [array, merge] } };
  },
};
