/**
 * A Slurm of several nodes on this machine, where Debian's slurm-wlm and munge are installed and this is root: no systemd, no control groups.
 * Each node is a space of process numbers of its own, as machines are: what runs there is not seen from elsewhere, and ends with it.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterUse } from './after-use.js';
import { temporaryFolder } from './folder.js';
import { patient, until } from './patience.js';

const works = (program: string, ...args: string[]) => spawnSync(program, args).status === 0;

const SPACE = ['--pid', '--mount', '--fork', '--kill-child', '--mount-proc'];

/** Slurm needs root to start jobs as others. */
export const hasSlurm =
  process.getuid?.() === 0 &&
  ['slurmctld', 'slurmd', 'munged', 'sbatch'].every((program) => works('which', program)) &&
  works('unshare', ...SPACE, 'true');

const FIRST_PORT = 20_000 + (process.pid % 20_000);

export interface Slurm {
  /** The variable by which Slurm's commands find it. */
  env: { SLURM_CONF: string };
  /** A folder that the last node has as another, empty one. */
  hidden: string;
  /** Runs a command of Slurm. @returns what it printed   @throws when it fails */
  run(command: string, ...args: string[]): string;
  /** Whether all nodes are up, and nothing runs on them. */
  isIdle(): boolean;
  /** Kills all that runs on a node at once, its daemon too. */
  lose(node: string): Promise<void>;
  start(node: string): void;
  /** Lets Slurm forget all jobs. */
  forget(): Promise<void>;
}

/**
 * Starts it: nodes n1, n2, …, of one CPU. Jobs of the partition `urgent` preempt those of `main`, which are queued again; `later` is for a test that stops and starts it. Half of
 * the nodes have a GPU, by name only.
 */
export function startSlurm(count: number): Slurm {
  const { root } = temporaryFolder();
  const at = (...names: string[]) => join(root, ...names);
  for (const name of ['state', 'munge', 'spool', 'hidden']) mkdirSync(at(name), { mode: 0o755 });
  writeFileSync(at('munge/key'), randomBytes(1024), { mode: 0o400 });
  const host = hostname().split('.')[0];
  const seconds = (quiet: number) => Math.ceil(patient(quiet * 1000) / 1000);
  const settings = {
    ...{ ClusterName: 'test', SlurmctldHost: `${host}(127.0.0.1)`, SlurmUser: 'root', SlurmdUser: 'root' },
    // A job that is queued again waits until its credential would have expired: by default two minutes.
    ...{
      AuthType: 'auth/munge',
      AuthInfo: `socket=${at('munge/socket')},cred_expire=${Math.min(15, seconds(5))}`,
    },
    CredType: 'cred/munge',
    ...{
      SlurmctldPort: FIRST_PORT,
      SlurmctldPidFile: at('slurmctld.pid'),
      SlurmctldLogFile: at('slurmctld.log'),
    },
    ...{
      SlurmdPidFile: at('slurmd-%n.pid'),
      SlurmdLogFile: at('slurmd-%n.log'),
      SlurmdSpoolDir: at('spool/%n'),
    },
    ...{ StateSaveLocation: at('state'), ProctrackType: 'proctrack/linuxproc', TaskPlugin: 'task/none' },
    ...{ JobAcctGatherType: 'jobacct_gather/none', AccountingStorageType: 'accounting_storage/none' },
    ...{ SelectType: 'select/cons_tres', SelectTypeParameters: 'CR_CPU', SchedulerType: 'sched/backfill' },
    SchedulerParameters: 'batch_sched_delay=0,sched_interval=2,bf_interval=2',
    ...{ PreemptType: 'preempt/partition_prio', PreemptMode: 'REQUEUE', GresTypes: 'gpu' },
    ...{ SlurmdTimeout: Math.min(30, seconds(15)), MessageTimeout: seconds(10), KillWait: seconds(30) },
    ...{ MpiDefault: 'none', ReturnToService: 2, MinJobAge: 3600, SlurmdParameters: 'config_overrides' },
  };
  const nodes = Array.from({ length: count }, (_, i) => ({ name: `n${i + 1}`, hasGpu: i < count / 2 }));
  const lines = [
    ...Object.entries(settings).map(([name, value]) => `${name}=${value}`),
    ...nodes.map(
      ({ name, hasGpu }, i) =>
        `NodeName=${name} NodeHostname=${host} NodeAddr=127.0.0.1 Port=${FIRST_PORT + 1 + i} CPUs=1 RealMemory=1000 ${hasGpu ? 'Gres=gpu:1 ' : ''}State=UNKNOWN`,
    ),
    'PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP PriorityTier=1',
    'PartitionName=later Nodes=ALL MaxTime=INFINITE State=UP PriorityTier=1',
    'PartitionName=urgent Nodes=ALL MaxTime=INFINITE State=UP PriorityTier=10 PreemptMode=OFF',
  ];
  writeFileSync(at('slurm.conf'), `${lines.join('\n')}\n`);
  writeFileSync(at('cgroup.conf'), 'CgroupPlugin=cgroup/v1\nCgroupAutomount=no\n');
  const gpus = nodes
    .filter(({ hasGpu }) => hasGpu)
    .map(({ name }) => `NodeName=${name} Name=gpu File=/dev/null`);
  writeFileSync(at('gres.conf'), `${gpus.join('\n')}\n`);
  const env = { SLURM_CONF: at('slurm.conf') };

  const daemons = new Map<string, ChildProcess>();
  const lose = async (node: string): Promise<void> => {
    const daemon = daemons.get(node);
    daemons.delete(node);
    if (!daemon) return;
    const ended = new Promise((resolve) => daemon.once('exit', resolve));
    daemon.kill('SIGKILL'); // and, by --kill-child, everything in its space
    await ended;
  };
  afterUse(async () => {
    for (const node of daemons.keys()) await lose(node);
    endDaemon(at('slurmctld.pid'));
    endDaemon(at('munge/munged.pid'));
  });
  const munge = [
    'key-file=munge/key',
    'socket=munge/socket',
    'pid-file=munge/munged.pid',
    'log-file=munge/log',
    'seed-file=munge/seed',
  ];
  execFileSync('munged', ['--force', ...munge.map((one) => `--${one.replace('=', `=${root}/`)}`)], {
    stdio: 'ignore',
  });
  const control = (...args: string[]) =>
    execFileSync('slurmctld', ['-f', at('slurm.conf'), ...args], { stdio: 'ignore' });
  control();
  const start = (node: string): void => {
    mkdirSync(at('spool', node), { recursive: true });
    const daemon = ['slurmd', '-D', '-N', node, '-f', at('slurm.conf')];
    const isLast = node === nodes.at(-1)?.name;
    const hide = ['sh', '-c', 'mount -t tmpfs none "$0" && exec "$@"', at('hidden')];
    daemons.set(node, spawn('unshare', [...SPACE, ...(isLast ? hide : []), ...daemon], { stdio: 'ignore' }));
  };
  for (const { name } of nodes) start(name);
  const run = (command: string, ...args: string[]) =>
    execFileSync(command, args, { env: { ...process.env, ...env }, encoding: 'utf8' });
  return {
    ...{ env, hidden: at('hidden'), run, lose, start },
    isIdle: () => run('sinfo', '--noheader', '--partition=main', '--format=%T %D').trim() === `idle ${count}`,
    async forget() {
      endDaemon(at('slurmctld.pid'));
      control('-c');
      await until(() => works('env', `SLURM_CONF=${env.SLURM_CONF}`, 'scontrol', 'ping'), 500);
    },
  };
}

/** Ends exactly the daemon that wrote this file. It writes to its folder until it has ended. */
function endDaemon(path: string): void {
  const pid = existsSync(path) ? Number(readFileSync(path, 'utf8')) : 0;
  if (pid > 0) spawnSync('sh', ['-c', `kill ${pid}; while kill -0 ${pid} 2>/dev/null; do sleep 0.1; done`]);
}
