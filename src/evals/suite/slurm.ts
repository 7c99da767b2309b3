/**
 * A suite as jobs of Slurm: an array, whose tasks run the shares of a plan, and a merge that starts when all of them have ended,
 * however they ended. Everything lies in one folder: the plan, the two scripts, logs, results, and the numbers of the jobs.
 *
 * Slurm does not start a job again because of its status. So the script does, when a run ends with 75 (unfinished) and the job
 * was not cancelled: it is then still RUNNING. The warning before the time limit reaches only the script (`B:`), which passes it on.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { shellWord } from '../../printing/shell-command.js';
import { writeFileAtomically } from '../../storage/atomic-file.js';
import { cacheFolder } from '../../storage/folders.js';
import { callProgram, ownProgram, type Scheduler, type Submission, settingFlags } from './scheduler.js';

/** Seconds before the time limit at which Slurm warns. */
const WARNING_SECONDS = 120;

/** The scripts of the array and of the merge. */
function slurmScripts({ suite, folder, machines, program, settings, options }: Submission): {
  array: string;
  merge: string;
} {
  const flags = settingFlags(settings);
  const sbatch = sbatchOptions(options, settings.threads);
  const at = (name: string) => shellWord(join(folder, name));
  const head = (options: readonly string[]) =>
    ['#!/bin/bash', ...options.map((option) => `#SBATCH ${option}`)].join('\n');
  const cache = `export DUO_EVAL_CACHE=${shellWord(cacheFolder())}`;
  const call = (...words: string[]) => [...(program ?? ownProgram()), ...words].map(shellWord).join(' ');
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
  const submit = async (name: string, script: string, ...options: string[]) => {
    await writeFileAtomically(join(folder, name), script);
    return (await slurm('sbatch', '--parsable', ...options, join(folder, name))).trim().split(';')[0];
  };
  const array = await submit('array.sh', scripts.array);
  const merge = await submit('merge.sh', scripts.merge, `--dependency=afterany:${array}`);
  return { array, merge, machines };
}

interface JobState {
  /** `1` to the number of machines, or `merge`. */
  task: string;
  /** As Slurm says: PENDING, RUNNING, COMPLETED, FAILED, … */
  state: string;
}

/** How the jobs stand, as long as Slurm remembers them. @throws FileError */
async function statesOf({ array, merge }: Submitted): Promise<JobState[]> {
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
function endOf(states: readonly JobState[]): string | null {
  const merge = states.find(({ task }) => task === 'merge');
  if (!merge) return 'FORGOTTEN';
  return ENDED.test(merge.state) ? merge.state : null;
}

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
  merges: true,
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
    const states = await statesOf(jobs);
    const end = endOf(states);
    return {
      text: states.map(({ task, state }) => `${task.padEnd(8)}${state}`).join('\n'),
      record: { tasks: states },
      finished: states.filter(({ task, state }) => task !== 'merge' && state === 'COMPLETED').length,
      total: jobs.machines,
      end:
        end === null || end === 'COMPLETED'
          ? end && 'complete'
          : {
              message: `The merge of ${folder} ended as ${end}.`,
              hint: `${folder}/log-merge.txt says what is missing, and the logs of the tasks say why.`,
            },
    };
  },
  async cancel(jobs) {
    await cancelJobs(jobs);
    const { array, merge } = jobs;
    return { text: `Cancelled jobs ${array} and ${merge}.`, record: { cancelled: [array, merge] } };
  },
};
