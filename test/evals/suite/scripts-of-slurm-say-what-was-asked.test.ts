/** What suites-run-on-slurm.slow.test.ts runs. About src/evals/suite/slurm.ts */
import { spawnSync } from 'node:child_process';
import { chmodSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Submission } from '../../../src/evals/suite/scheduler.js';
import { SLURM } from '../../../src/evals/suite/slurm.js';
import { temporaryFolder } from '../../support/folder.js';

const scripts = async (over: Partial<Submission>) => {
  const { record } = await SLURM.preview({
    ...{ to: 'slurm', suite: '/suites/a.yaml', folder: '/jobs/a', machines: 8, program: ['duo-eval'] },
    ...{ settings: { provider: 'cpu', allowCode: false }, options: {} },
    plan: () => Promise.reject(new Error('A preview needs no plan.')),
    ...over,
  });
  return record as { array: string; merge: string };
};

describe('the scripts for Slurm', () => {
  it.each([
    [undefined, 120],
    ['4:00:00', 120],
    ['1-0', 120],
    ['8', 120],
    ['4', 60],
    ['1', 15],
    ['2:30', 37],
    ['0-0:1', 15],
    ['UNLIMITED', 120],
  ])('ask to be warned in time: of a limit %s, %i seconds before', async (time, seconds) => {
    const { array } = await scripts({ options: { time } });
    expect(array).toContain(`\n#SBATCH --signal=B:USR1@${seconds}\n`);
  });

  it('pass options on, those that choose where it may run to the merge, too', async () => {
    const options = { partition: 'main', gres: 'gpu:1', sbatch: ['--comment=a "b" # c', '--account=me'] };
    const { array, merge } = await scripts({ options });
    for (const line of ['--partition=main', '--gres=gpu:1', '"--comment=a \\"b\\" # c"', '--account=me'])
      expect(array).toContain(`\n#SBATCH ${line}\n`);
    expect(merge.match(/^#SBATCH --(partition|account|gres|comment)=.*/gm)).toEqual([
      '#SBATCH --partition=main',
      '#SBATCH --account=me',
    ]);
  });

  it.each(['/jobs/a', "/my jobs/50%, 'new' #1"])('are of a shell, for the folder %s', async (folder) => {
    const { array, merge } = await scripts({ folder, suite: `${folder}/a.yaml` });
    for (const script of [array, merge])
      expect(spawnSync('bash', ['-n'], { input: script, encoding: 'utf8' })).toMatchObject({
        status: 0,
        stderr: '',
      });
    // Slurm takes % for a number of its own.
    const log = `--output=${folder.replace('%', '%%')}/log-%a.txt`;
    expect(array).toContain(folder.includes(' ') ? `#SBATCH "${log}"\n` : `#SBATCH ${log}\n`);
  });

  it('name a task by its place: the number of the last task is that of the whole array', async () => {
    const { array } = await scripts({});
    expect(array.match(/scontrol .*/g)?.join('\n')).not.toContain('$SLURM_JOB_ID');
    // biome-ignore lint/suspicious/noTemplateCurlyInString: of the shell
    expect(array).toContain('task="${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID"');
  });
});

describe('the script of a task', () => {
  /** Runs it with programs in place of Slurm's and of duo-eval. @returns its status, and what of both was called */
  async function runTask(status: number, env: Record<string, string> = {}, space = temporaryFolder()) {
    const { root, file, path } = space;
    const said = `echo "$(basename "$0") $1 $2" >> ${path('calls')}`;
    for (const [name, rest] of [
      ['scontrol', 'echo JobState=RUNNING'],
      ['sleep', 'true'],
      ['duo-eval', `exit ${status}`],
    ])
      chmodSync(file(`bin/${name}`, `#!/bin/sh\n${said}\n${rest}\n`), 0o755);
    file('calls', '');
    const { array } = await scripts({ folder: root, program: [path('bin/duo-eval')] });
    const ran = spawnSync('bash', {
      input: array.replace(/^export DUO_EVAL_CACHE=.*/m, `export DUO_EVAL_CACHE=${root}`),
      env: {
        ...{ PATH: `${path('bin')}:${process.env.PATH}`, SLURM_ARRAY_JOB_ID: '7', SLURM_ARRAY_TASK_ID: '3' },
        ...env,
      },
      encoding: 'utf8',
    });
    return { status: ran.status, stderr: ran.stderr, calls: readFileSync(path('calls'), 'utf8'), space };
  }

  it('asks Slurm to start it again after status 75, and after no other', async () => {
    expect(await runTask(75)).toMatchObject({
      status: 75,
      calls: expect.stringContaining('scontrol requeue 7_3'),
    });
    for (const status of [0, 6, 76, 77]) {
      const ran = await runTask(status);
      expect(ran).toMatchObject({ status, calls: expect.not.stringContaining('requeue') });
      expect(ran.calls).toContain('duo-eval run');
    }
  });

  it('does nothing where Slurm starts again what was given up; a job of another number is another attempt', async () => {
    const { space } = await runTask(77);
    const again = await runTask(0, { SLURM_RESTART_COUNT: '1' }, space);
    expect(again).toMatchObject({ status: 77, calls: '', stderr: expect.stringContaining('given up') });
    const other = await runTask(0, { SLURM_RESTART_COUNT: '1', SLURM_ARRAY_JOB_ID: '8' }, space);
    expect(other).toMatchObject({ status: 0, calls: expect.stringContaining('duo-eval run') });
  });
});
