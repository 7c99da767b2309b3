/** About src/commands/submit.ts, src/commands/submit/status.ts, src/commands/submit/wait.ts, src/commands/submit/cancel.ts, src/evals/suite/slurm.ts, src/evals/suite/run-suite.ts, src/storage/lock.ts */
import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { uniform } from '../../src/random/uniforms.js';
import { patient, pause, until } from '../support/patience.js';
import { fixture } from '../support/run.js';
import { hasSlurm, type Slurm, startSlurm } from '../support/slurm.js';
import { succeed, type Workspace, workspace } from '../support/workspace.js';
import { run, timeless } from './suites-of-three.js';

/** Two models that draw noise, on a data set of ours and on one of the user's. */
const SUITE = `
models:
  - {name: masked, path: ${fixture('markov-mdlm.onnx')}}
  - ${fixture('markov-duo.onnx')}
datasets: [sotu, {name: own, path: own.txt}]
ppl: {protocol: strict, limit: 100, draws: 16, batch: 4}
`;
const LOSSES = 4 * 100 * 16;

const VOCABULARY = 'best worst age wisdom foolishness light darkness spring hope winter despair'.split(' ');
const OWN = Array.from({ length: 4000 }, (_, i) => {
  const word =
    VOCABULARY[Math.floor(VOCABULARY.length * uniform({ seed: 4, stream: 0x43, sequence: i, step: 0 }))];
  return `${word}${i % 13 === 12 ? '.\n' : ' '}`;
}).join('');

/** Seconds after which a silent machine's work is taken over. */
const LEASE = { DUO_EVAL_LEASE: String(Math.min(20, patient(6))) };

interface Task {
  task: string;
  state: string;
  status?: number;
}

/** Journal lines of all writers: what was computed, draw by draw and sequence by sequence, as often as it was. */
function computed(cache: string): string[] {
  const folder = join(cache, 'journals');
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder, { recursive: true })
    .map(String)
    .filter((name) => name.endsWith('.jsonl'));
  return files.flatMap((name) => {
    const work = name.split(/[/\\.]/).find((word) => /^[0-9a-f]{64}$/.test(word));
    return readFileSync(join(folder, name), 'utf8')
      .split('\n')
      .flatMap((line) => {
        const [, draw, sequences] = /^\{"d":(\d+),"s":\[([\d,]*)\]/.exec(line) ?? [];
        return sequences === undefined ? [] : sequences.split(',').map((one) => `${work} ${draw} ${one}`);
      });
  });
}

interface AtWork {
  /** Its number here. */
  pid: number;
  task: string;
  node: string;
}

/** A task that has a journal open, on whichever node. @param folder of its suite */
async function taskAtWork(folder: string): Promise<AtWork> {
  const look = (pid: number): AtWork | null => {
    try {
      const proc = (name: string) => readFileSync(`/proc/${pid}/${name}`, 'utf8').split('\0');
      const words = proc('cmdline');
      if (!words.includes('--units') || !words.some((word) => word.startsWith(`${folder}/`))) return null;
      const files = readdirSync(`/proc/${pid}/fd`).map((name) => readlinkSync(`/proc/${pid}/fd/${name}`));
      if (!files.some((name) => name.endsWith('.jsonl'))) return null;
      const set = (name: string) =>
        proc('environ')
          .find((one) => one.startsWith(`${name}=`))
          ?.slice(name.length + 1) ?? '';
      return { pid, task: set('SLURM_ARRAY_TASK_ID'), node: set('SLURMD_NODENAME') };
    } catch {
      return null; // it has just ended
    }
  };
  for (;;) {
    for (const name of readdirSync('/proc').filter((one) => /^\d+$/.test(one))) {
      const found = look(Number(name));
      if (found) return found;
    }
    await pause(50);
  }
}

/** Whether a signal waits for a stopped process. */
function isPending(pid: number, signal: number): boolean {
  const [, mask] = /^ShdPnd:\s*([0-9a-f]+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return mask !== undefined && (BigInt(`0x${mask}`) & (1n << BigInt(signal - 1))) !== 0n;
}

describe.skipIf(!hasSlurm)('a suite on a real Slurm', () => {
  let cluster: Slurm;
  let whole: string;
  /** Why its daemons do not work on this machine, where they do not: that is no fault of what is tested. */
  let unfit: string | null = null;

  const suiteSpace = () => {
    const made = workspace();
    made.write('suite.yaml', SUITE);
    made.write('own.txt', OWN);
    return made;
  };
  const submitWords = (machines: number, folder: string, ...more: string[]) => [
    ...['submit', 'suite.yaml', '--to', 'slurm', '--threads', '1'],
    ...['--machines', String(machines), '--folder', folder, ...more],
  ];
  const submit = async (space: Workspace, ...words: Parameters<typeof submitWords>) => {
    await succeed(space, submitWords(...words), { ...cluster.env, ...LEASE });
    return JSON.parse(space.read(`${words[1]}/submitted.json`)) as { array: string; merge: string };
  };
  const tasksOf = async (space: Workspace) => {
    const { stdout } = await succeed(space, ['submit', 'status', 'job', '--json', '--quiet'], cluster.env);
    return (JSON.parse(stdout) as { tasks: Task[] }).tasks;
  };
  const wait = (space: Workspace, folder = 'job') =>
    space.run(['submit', 'wait', folder, '--quiet'], cluster.env);
  const queue = (format: string, ...jobs: string[]) =>
    cluster.run(
      'squeue',
      '--noheader',
      '--array',
      '--states=all',
      `--format=${format}`,
      `--jobs=${jobs.join(',')}`,
    );
  /** Hands a job to Slurm, and waits until it has ended: `sbatch --wait` looks rarely. */
  const ended = async (...words: string[]) => {
    const job = cluster.run('sbatch', '--parsable', ...words).trim();
    await until(() => !/PENDING|RUNNING|CONFIGURING|COMPLETING/.test(queue('%T', job)), 200);
  };
  const isWhole = (space: Workspace, folder = 'job') =>
    expect(timeless(space, `${folder}/results.json`)).toBe(whole);

  /** Scenarios that take turns on the nodes and know nothing of each other, by what they show. Each waits most of its time. */
  const scenarios = new Map<string, { play: (space: Workspace) => Promise<void>; outcome?: Promise<void> }>();
  const besideOthers = (what: string, play: (space: Workspace) => Promise<void>) => {
    scenarios.set(what, { play });
    it(what, () => scenarios.get(what)?.outcome);
  };

  beforeAll(async () => {
    try {
      cluster = startSlurm(4);
      const end = Date.now() + patient(60_000);
      while (!cluster.isIdle() && Date.now() < end) await pause(500);
      if (!cluster.isIdle()) unfit = 'its nodes do not become idle';
    } catch (error) {
      unfit = (error as Error).message;
    }
    // A fault of the cluster's settings, not of the machine.
    if (unfit?.includes('idle'))
      expect(cluster.run('sinfo', '--noheader', '--format=%T')).not.toContain('inval');
    if (unfit !== null) return;
    const space = suiteSpace();
    await succeed(space, run('whole.json', '--threads', '1'));
    whole = timeless(space, 'whole.json');
    for (const scenario of scenarios.values()) scenario.outcome = scenario.play(suiteSpace());
    await Promise.allSettled([...scenarios.values()].map(({ outcome }) => outcome));
  });
  beforeEach((context) => {
    if (unfit !== null) context.skip(`Slurm does not start on this machine: ${unfit}`);
  });

  // The longest first: it holds one node, and waits for nearly a minute.
  besideOthers(
    'stops before its time limit, a minute, is queued again, and is that of one process',
    async (space) => {
      await submit(space, 1, 'job', '--time', '1');
      const { pid } = await taskAtWork(space.folder);
      // A machine so slow that it does nothing until the warning: the work takes longer than the limit, however fast this one is.
      process.kill(pid, 'SIGSTOP');
      await until(() => isPending(pid, 10), 200);
      process.kill(pid, 'SIGCONT');
      expect(await wait(space)).toMatchObject({ code: 0 });
      expect(space.read('job/log-1.txt')).toContain('Error: Stopped by SIGUSR1 before it was finished.');
      isWhole(space);
    },
  );

  besideOthers(
    'is preempted, queued again, and is that of one process; it asks for what it was told to',
    async (space) => {
      const { array } = await submit(space, 2, 'job', '--partition', 'main', '--gres', 'gpu:1');
      const { task, node, pid } = await taskAtWork(space.folder);
      process.kill(pid, 'SIGSTOP'); // Slurm lets it go on when it tells it to end
      expect(queue('%K %N %P %b', array)).toMatch(/^1 n[12] main gres:gpu:1$/m);
      const urgent = ['--partition=urgent', `--nodelist=${node}`, '--output=/dev/null', '--wrap=true'];
      cluster.run('sbatch', ...urgent);
      await until(() => queue('%K %T', array).includes(`${task} PENDING`), 200);
      expect(await wait(space)).toMatchObject({ code: 0 });
      expect(space.read(`job/log-${task}.txt`)).toMatch(/DUE TO PREEMPTION[\s\S]*Error: Stopped by SIGTERM/);
      isWhole(space);
    },
  );

  /** What the next scenario leaves. */
  let restarted: Workspace;
  besideOthers(
    'is merged although a task was cancelled: what is missing is named, and that task alone is started again',
    async (space) => {
      restarted = space;
      const { array } = await submit(space, 4, 'job');
      const { task, pid } = await taskAtWork(space.folder);
      process.kill(pid, 'SIGSTOP');
      cluster.run('scancel', `${array}_${task}`);
      const waited = await wait(space);
      expect(waited).toMatchObject({
        code: 6,
        stderr: expect.stringContaining('The merge of job ended as FAILED'),
      });
      const said = waited.stderr.replace(/\s+/g, ' ');
      expect(said).toContain(`Task ${task} has not completed`);
      expect(said).toContain(`sbatch --array=${task} job/array.sh starts what failed again`);
      expect(space.read(`job/log-${task}.txt`)).toContain('Error: Stopped by SIGTERM');
      expect(space.read('job/log-merge.txt').replace(/\s+/g, ' ')).toMatch(
        /duo-eval run \S+suite.yaml --plan \S+plan.json --unit/,
      );
      await ended(`--array=${task}`, space.at('job/array.sh'));
      await ended(space.at('job/merge.sh'));
      expect(await wait(space)).toMatchObject({ code: 0 });
      isWhole(space);
    },
  );

  besideOthers(
    'whose data set is missing has the other cells done and merged, and says what is missing',
    async (space) => {
      const later = (state: string) =>
        cluster.run('scontrol', 'update', 'PartitionName=later', `State=${state}`);
      later('DOWN'); // nothing starts
      await submit(space, 2, 'job', '--partition', 'later');
      // Until they have ended, or were cancelled, no others are submitted from the folder.
      expect(await space.run(submitWords(3, 'job'), cluster.env)).toMatchObject({
        code: 76,
        stderr: expect.stringContaining('submit cancel job'),
      });
      expect(JSON.parse(space.read('job/plan.json')).plan.machines).toBe(2);
      rmSync(space.at('own.txt'));
      later('UP');
      const waited = await wait(space);
      expect(waited.code).toBe(6);
      const said = waited.stderr.replace(/\s+/g, ' ');
      expect(said).toContain('2 of 4 cells are not finished, the first of them cell 3.');
      expect(said).toContain('2 tasks have not completed');
      expect(await tasksOf(space)).toEqual([
        { task: '1', state: 'FAILED', status: 6 },
        { task: '2', state: 'FAILED', status: 6 },
        { task: 'merge', state: 'FAILED', status: 6 },
      ]);
      const there = JSON.parse(space.read('job/results.json')).results as { dataset: { name: string } }[];
      expect(there.map(({ dataset }) => dataset.name)).toEqual(['sotu', 'sotu']);
      space.write('own.txt', OWN);
      // As the message says.
      const [, tasks] = /sbatch (--array=[\d,]+) job\/array.sh/.exec(said) ?? [];
      await ended(tasks, space.at('job/array.sh'));
      await ended(space.at('job/merge.sh'));
      expect(await wait(space)).toMatchObject({ code: 0 });
      isWhole(space);
    },
  );

  besideOthers('whose cache is not on a node ends there with a sentence', async (space) => {
    const cache = { DUO_EVAL_CACHE: join(cluster.hidden, 'cache') };
    const words = submitWords(1, 'job', '--sbatch=--nodelist=n4');
    await succeed(space, words, { ...cluster.env, ...cache });
    expect(await wait(space)).toMatchObject({ code: 6 });
    expect(space.read('job/log-1.txt')).toContain(`Error: There is no folder ${cache.DUO_EVAL_CACHE} on `);
    expect((await tasksOf(space))[0]).toEqual({ task: '1', state: 'FAILED', status: 6 });
  });

  it('as an array of 8 on 4 nodes, one of which is lost, is that of one process, and nothing is computed twice', async () => {
    const space = suiteSpace();
    await until(() => cluster.isIdle(), 500);
    const { array, merge } = await submit(space, 8, 'the job, 50%');
    cluster.run('scontrol', 'hold', merge); // so that the journals can be read
    const { task: lost, node, pid } = await taskAtWork(space.folder);
    process.kill(pid, 'SIGSTOP'); // it has not ended when its node is lost
    await cluster.lose(node);
    const tasks = () =>
      queue('%K %N %T', array)
        .trim()
        .split('\n')
        .map((line) => line.trim().split(/\s+/));
    await until(() => tasks().every(([, , state]) => state === 'COMPLETED'), 500);
    const [, other] = tasks().find(([task]) => task === lost)!; // all were listed
    expect(other).not.toBe(node);
    const losses = computed(space.at('.cache'));
    expect(new Set(losses).size).toBe(LOSSES);
    expect(losses).toHaveLength(LOSSES);
    cluster.start(node);
    cluster.run('scontrol', 'release', merge);
    expect(await wait(space, 'the job, 50%')).toMatchObject({ code: 0 });
    isWhole(space, 'the job, 50%');
    expect(existsSync(space.at('the job, 50%/log-8.txt'))).toBe(true);
  });

  it('whose jobs Slurm has forgotten stands as its scripts left it', async () => {
    await cluster.forget();
    expect((await tasksOf(restarted)).map(({ state }) => state)).toEqual(Array(5).fill('COMPLETED'));
    expect(await wait(restarted)).toMatchObject({ code: 0 });
  });
});
