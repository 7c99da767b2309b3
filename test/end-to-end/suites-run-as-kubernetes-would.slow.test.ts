/**
 * About src/commands/submit.ts, src/commands/submit/wait.ts, src/commands/submit/cancel.ts, src/evals/suite/kubernetes.ts,
 * src/evals/suite/kubernetes-manifest.ts: what pods would run is run as processes. No real cluster is behind it.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type FakeCluster, fakeCluster, type KubernetesObject } from '../support/kubectl.js';
import { environmentIn, finished, program, type Ran } from '../support/run.js';
import { succeed, type Workspace } from '../support/workspace.js';
import { run, suite, suiteWorkspace, timeless } from './suites-of-three.js';

/** Runs the container of a job as its pod would: its command, its arguments and its variables alone. */
function runPod(space: Workspace, job: KubernetesObject, env: Record<string, string> = {}): Promise<Ran> {
  const [container] = job.spec?.template.spec.containers ?? [];
  if (!container) throw new Error('The job has no container.');
  const inPod = (text: string) => text.replaceAll('/etc/duo-eval', space.at('config')).replaceAll('$$', '$');
  const { PATH } = environmentIn(space.folder);
  const child = spawn(process.execPath, [program, ...container.args.map(inPod)], {
    cwd: space.folder,
    env: {
      PATH,
      ...Object.fromEntries(container.env.map(({ name, value }) => [name, inPod(value)])),
      ...env,
    },
  });
  return finished(child);
}

async function submitted(more: string[] = []): Promise<{ space: Workspace; cluster: FakeCluster }> {
  const space = suiteWorkspace();
  const cluster = fakeCluster();
  // Paths of the suite are relative to the volume, which is another folder than the suite's.
  mkdirSync(space.at('volume'));
  space.write('suite.yaml', suite('limit: 8, draws: 2').replace('[1, 2]', '[1]'));
  const submit = ['submit', 'suite.yaml', '--to', 'kubernetes', '--machines', '3', '--folder', 'job'];
  const options = ['--image', 'example.org/duo-eval:1', '--claim', 'shared', '--mount', space.at('volume')];
  await succeed(
    space,
    [...submit, '--threads', '1', '--job-name', 'first', ...options, ...more],
    cluster.env,
  );
  mkdirSync(space.at('config'), { recursive: true });
  for (const { kind, data = {} } of cluster.objects())
    if (kind === 'ConfigMap')
      for (const [name, text] of Object.entries(data)) writeFileSync(space.at(`config/${name}`), text);
  return { space, cluster };
}
const jobOf = (cluster: FakeCluster, name: string) => {
  const job = cluster.objects().find(({ kind, metadata }) => kind === 'Job' && metadata.name === name);
  if (!job) throw new Error(`There is no job ${name}.`);
  return job;
};

describe('a suite on Kubernetes', () => {
  it('gives what one process gives, bit for bit', async () => {
    const { space, cluster } = await submitted();
    const units = jobOf(cluster, 'first');
    for (const index of ['2', '0', '1']) {
      const pod = await runPod(space, units, { JOB_COMPLETION_INDEX: index });
      expect(pod).toMatchObject({ code: 0 });
    }
    cluster.setStatus('first', {
      completedIndexes: '0-2',
      conditions: [{ type: 'Complete', status: 'True' }],
    });
    const { stdout } = await succeed(space, ['submit', 'status', 'job', '--json', '--quiet'], cluster.env);
    expect(JSON.parse(stdout).tasks).toEqual([
      ...['0', '1', '2'].map((task) => ({ task, state: 'Complete' })),
      { task: 'merge', state: 'Suspended' },
    ]);
    const waiting = space.run(['submit', 'wait', 'job', '--quiet'], cluster.env);
    while (jobOf(cluster, 'first-merge').spec?.suspend)
      await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await runPod(space, jobOf(cluster, 'first-merge'))).toMatchObject({ code: 0 });
    cluster.setStatus('first-merge', { conditions: [{ type: 'Complete', status: 'True' }] });
    expect((await waiting).stdout.replace(/\s+/g, ' ')).toContain('first-results.json on the volume');
    await succeed(space, run('whole.json', '--threads', '1'), { DUO_EVAL_CACHE: space.at('cache-whole') });
    expect(timeless(space, 'volume/first-results.json')).toBe(timeless(space, 'whole.json'));
  });

  it('whose index failed is merged as far as it is, and told', async () => {
    const { space, cluster } = await submitted();
    for (const index of ['0', '1'])
      await runPod(space, jobOf(cluster, 'first'), { JOB_COMPLETION_INDEX: index });
    const merge = await runPod(space, jobOf(cluster, 'first-merge'));
    expect(merge.code).toBe(6);
    expect(merge.stderr.replace(/\s+/g, ' ')).toMatch(
      /Units that are missing \(\d+\): duo-eval run \S+ --relative-to/,
    );
    expect(JSON.parse(space.read('volume/first-results.json')).results.length).toBeGreaterThan(0);
    cluster.setStatus('first', {
      ...{ completedIndexes: '0-1', failedIndexes: '2' },
      conditions: [{ type: 'Failed', status: 'True', reason: 'FailedIndexes' }],
    });
    cluster.setStatus('first-merge', { conditions: [{ type: 'Failed', status: 'True' }] });
    const waited = await space.run(['submit', 'wait', 'job', '--quiet'], cluster.env);
    expect(waited).toMatchObject({
      code: 6,
      stderr: expect.stringContaining('The merge of job ended as Failed'),
    });
    expect(space.read('job/log-merge.txt')).toContain('not finished');
    await succeed(space, ['submit', 'cancel', 'job', '--quiet'], cluster.env);
    expect(cluster.objects()).toEqual([]);
  });

  it('has units of files on the volume, with the paths of its suite relative to it', async () => {
    const { space, cluster } = await submitted();
    const plan = space.read('job/plan.json');
    // While its jobs are there, their folder takes no others.
    space.write('suite.yaml', suite('limit: 4, draws: 2'));
    const other = ['submit', 'suite.yaml', '--to', 'slurm', '--machines', '2', '--folder', 'job'];
    const refused = await space.run(other, cluster.env);
    expect(refused).toMatchObject({ code: 76 });
    expect(refused.stderr.replace(/\s+/g, ' ')).toMatch(
      /from \S+job are still under way: 0 of 3 are done\. duo-eval submit status job shows them, .* submit cancel job ends them/,
    );
    cluster.fail('get', 'Unable to connect to the server');
    expect(await space.run(other, cluster.env)).toMatchObject({
      code: 6,
      stderr: expect.stringMatching(/Nobody can tell whether.*Unable\s+to\s+connect/s),
    });
    expect(space.read('job/plan.json')).toBe(plan);
    expect(readdirSync(space.at('job')).sort()).toEqual(['kubernetes.yaml', 'plan.json', 'submitted.json']);
    space.write('suite.yaml', space.read('config/suite.yaml'));
    mkdirSync(space.at('volume/suites/a'), { recursive: true });
    space.write('volume/suites/a/suite.yaml', space.read('suite.yaml'));
    space.write('volume/suites/a/plan.json', plan);
    await succeed(space, ['submit', 'cancel', 'job', '--quiet'], cluster.env);
    const again = ['submit', 'suite.yaml', '--to', 'kubernetes', '--machines', '3', '--folder', 'job'];
    const options = ['--image', 'x', '--claim', 'shared', '--mount', space.at('volume')];
    await succeed(
      space,
      [...again, ...options, '--job-name', 'second', '--in-volume', 'suites/a'],
      cluster.env,
    );
    expect(cluster.objects().map(({ kind }) => kind)).toEqual(['Job', 'Job']);
    expect(await runPod(space, jobOf(cluster, 'second'), { JOB_COMPLETION_INDEX: '0' })).toMatchObject({
      code: 0,
    });
    const beyond = await runPod(space, jobOf(cluster, 'second'), { JOB_COMPLETION_INDEX: '3' });
    expect(beyond).toMatchObject({ code: 2, stderr: expect.stringContaining('JOB_COMPLETION_INDEX is 3') });
  });
});
