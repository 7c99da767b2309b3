/** A Slurm of several nodes on this machine, where Debian's slurm-wlm and munge are installed and this is root: no systemd, no control groups. */
import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterUse } from './after-use.js';
import { temporaryFolder } from './folder.js';

const has = (program: string) => spawnSync('which', [program]).status === 0;

/** Slurm needs root to start jobs as others. */
export const hasSlurm = process.getuid?.() === 0 && ['slurmctld', 'slurmd', 'munged', 'sbatch'].every(has);

const FIRST_PORT = 20_000 + (process.pid % 20_000);

/** Starts it. @returns the variable by which Slurm's commands find it */
export function startSlurm(nodes: number): { SLURM_CONF: string } {
  const { root } = temporaryFolder();
  const at = (...names: string[]) => join(root, ...names);
  for (const name of ['state', 'munge', 'spool']) mkdirSync(at(name), { mode: 0o755 });
  writeFileSync(at('munge/key'), randomBytes(1024), { mode: 0o400 });
  const host = hostname().split('.')[0];
  const names = Array.from({ length: nodes }, (_, i) => `n${i + 1}`);
  const settings = {
    ...{ ClusterName: 'test', SlurmctldHost: `${host}(127.0.0.1)`, SlurmUser: 'root', SlurmdUser: 'root' },
    ...{ AuthType: 'auth/munge', AuthInfo: `socket=${at('munge/socket')}`, CredType: 'cred/munge' },
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
    ...{ MpiDefault: 'none', ReturnToService: 2, MinJobAge: 3600, SlurmdParameters: 'config_overrides' },
  };
  const lines = [
    ...Object.entries(settings).map(([name, value]) => `${name}=${value}`),
    ...names.map(
      (name, i) =>
        `NodeName=${name} NodeHostname=${host} NodeAddr=127.0.0.1 Port=${FIRST_PORT + 1 + i} CPUs=1 RealMemory=1000 State=UNKNOWN`,
    ),
    'PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP',
  ];
  writeFileSync(at('slurm.conf'), `${lines.join('\n')}\n`);
  writeFileSync(at('cgroup.conf'), 'CgroupPlugin=cgroup/v1\nCgroupAutomount=no\n');
  afterUse(() => end(root));
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
  execFileSync('slurmctld', ['-f', at('slurm.conf')], { stdio: 'ignore' });
  for (const name of names) {
    mkdirSync(at('spool', name));
    execFileSync('slurmd', ['-N', name, '-f', at('slurm.conf')], { stdio: 'ignore' });
  }
  return { SLURM_CONF: at('slurm.conf') };
}

/** Ends exactly its daemons. */
function end(root: string): void {
  const files = [...readdirSync(root).filter((name) => name.endsWith('.pid')), 'munge/munged.pid'];
  for (const file of files) {
    const path = join(root, file);
    const pid = existsSync(path) ? Number(readFileSync(path, 'utf8')) : 0;
    // They write to their folder until they have ended.
    if (pid > 0) spawnSync('sh', ['-c', `kill ${pid}; while kill -0 ${pid} 2>/dev/null; do sleep 0.1; done`]);
  }
}
