/** About src/commands/submit.ts, src/commands/submit/status.ts, src/commands/submit/wait.ts, src/commands/submit/cancel.ts, src/evals/suite/slurm.ts */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { patient, pause, until } from '../support/patience.js';
import { hasSlurm, startSlurm } from '../support/slurm.js';
import { succeed, type Workspace } from '../support/workspace.js';
import { run, suite, suiteWorkspace, timeless } from './suites-of-three.js';

describe.skipIf(!hasSlurm)('a suite on a real Slurm', () => {
  let env: { SLURM_CONF: string; PATH?: string };
  let space: Workspace;
  const slurm = (command: string, ...args: string[]) =>
    execFileSync(command, args, { env: { ...process.env, ...env }, encoding: 'utf8' });
  const submit = [
    'submit',
    'suite.yaml',
    '--to',
    'slurm',
    '--machines',
    '4',
    '--folder',
    'job',
    '--threads',
    '1',
  ];
  const stateOf = async (task: string) => {
    const { stdout } = await succeed(space, ['submit', 'status', 'job', '--json', '--quiet'], env);
    const { tasks } = JSON.parse(stdout) as { tasks: { task: string; state: string }[] };
    return tasks.find((one) => one.task === task)?.state;
  };

  /** Why its daemons do not work on this machine, where they do not: that is no fault of what is tested. */
  let unfit: string | null = null;
  beforeAll(async () => {
    try {
      env = startSlurm(2);
      const isIdle = () => slurm('sinfo', '--noheader', '--format=%T %D').trim() === 'idle 2';
      const end = Date.now() + patient(60_000);
      while (!isIdle() && Date.now() < end) await pause(500);
      if (!isIdle()) unfit = 'its nodes do not become idle';
    } catch (error) {
      unfit = (error as Error).message;
    }
  });
  beforeEach((context) => {
    if (unfit !== null) context.skip(`Slurm does not start on this machine: ${unfit}`);
  });

  it('is that of one process, although a task was told to stop, and is queued again', async () => {
    space = suiteWorkspace();
    space.write('suite.yaml', suite('limit: 100, draws: 24, batch: 4'));
    await succeed(space, run('whole.json', '--threads', '1'), { DUO_EVAL_CACHE: space.at('cache-whole') });
    await succeed(space, submit, env);
    const { array } = JSON.parse(space.read('job/submitted.json'));
    await until(
      () =>
        existsSync(space.at('.cache/journals')) &&
        readdirSync(space.at('.cache/journals'), { recursive: true }).some((name) =>
          `${name}`.endsWith('.jsonl'),
        ),
    );
    // It refuses while a task is just being started, or says so although the signal has arrived: what counts is whether the task is
    // queued again. A second signal would end it at once, so it is given time to stop.
    const stop = ['--signal=USR1', '--batch', `${array}_1`];
    const isQueuedAgain = () =>
      slurm('squeue', '--noheader', '--array', `--jobs=${array}`, '--format=%K %T').includes('1 PENDING');
    for (let tries = 0; !isQueuedAgain(); tries++) {
      if (tries === 5) throw new Error('The task was told to stop five times, and is not queued again.');
      spawnSync('scancel', stop, { env: { ...process.env, ...env }, timeout: 3000 });
      const end = Date.now() + patient(15_000);
      while (!isQueuedAgain() && Date.now() < end) await pause(500);
    }
    expect(space.read('job/log-1.txt')).toContain('Error: Stopped by SIGUSR1 before it was finished.');
    // Slurm would start it two minutes later; it may refuse to change that while it cleans up.
    const everyMs = 1000;
    const queued = () => slurm('squeue', '--noheader', '--array', `--jobs=${array}`, '--format=%K %A %T');
    await until(() => {
      const [, job] = /^\s*1 (\d+) PENDING/m.exec(queued()) ?? [];
      if (job)
        spawnSync('scontrol', ['update', `JobId=${job}`, 'StartTime=now'], {
          env: { ...process.env, ...env },
        });
      return job === undefined;
    }, everyMs);
    await succeed(space, ['submit', 'wait', 'job', '--quiet'], env);
    expect(timeless(space, 'job/results.json')).toBe(timeless(space, 'whole.json'));
    expect(await stateOf('merge')).toBe('COMPLETED');
  });

  it('is merged although a task was cancelled: what is missing is named, and that task alone is started again', async () => {
    space = suiteWorkspace();
    await succeed(space, submit, env);
    const { array } = JSON.parse(space.read('job/submitted.json'));
    slurm('scancel', `${array}_4`);
    const waited = await space.run(['submit', 'wait', 'job', '--quiet'], env);
    expect(waited).toMatchObject({
      code: 6,
      stderr: expect.stringContaining('The merge of job ended as FAILED'),
    });
    expect(space.read('job/log-merge.txt').replace(/\s+/g, ' ')).toMatch(
      /duo-eval run \S+suite.yaml --plan \S+plan.json --unit/,
    );
    await succeed(space, run('whole.json', '--threads', '1'), { DUO_EVAL_CACHE: space.at('cache-whole') });
    const again = slurm('sbatch', '--parsable', '--wait', '--array=4', space.at('job/array.sh'));
    expect(again.trim()).toMatch(/^\d+$/);
    await succeed(space, ['merge', '--from-cache', 'suite.yaml', '--threads', '1', '--out', 'merged.json']);
    expect(timeless(space, 'merged.json')).toBe(timeless(space, 'whole.json'));
  });
});
