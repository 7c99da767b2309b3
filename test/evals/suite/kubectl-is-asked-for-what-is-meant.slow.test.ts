/** About src/evals/suite/kubernetes.ts, src/evals/suite/scheduler.ts: with a stand-in for kubectl, and no cluster */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { KUBERNETES } from '../../../src/evals/suite/kubernetes.js';
import type { Submission } from '../../../src/evals/suite/scheduler.js';
import { temporaryFolder } from '../../support/folder.js';
import { type FakeCluster, fakeCluster } from '../../support/kubectl.js';

const NAMED = ['--context=test-cluster', '--namespace=evaluation'];
const OPTIONS = {
  image: 'example.org/duo-eval:1',
  claim: 'shared',
  namespace: 'evaluation',
  'job-name': 'first',
};

let cluster: FakeCluster;
let folder: string;
const submission = (
  options: Submission['options'] = OPTIONS,
  more: Partial<Submission> = {},
): Submission => ({
  ...{ to: 'kubernetes', suite: join(folder, 'suite.yaml'), folder: join(folder, 'job'), machines: 4 },
  program: null,
  settings: { provider: 'cpu', allowCode: false },
  options,
  plan: async () => ({
    schemaVersion: 1,
    plan: { name: 'suite', sha256: '', cells: 1, machines: 4, units: [] },
  }),
  ...more,
});
beforeEach(() => {
  cluster = fakeCluster();
  folder = temporaryFolder().root;
  mkdirSync(join(folder, 'job'));
  writeFileSync(join(folder, 'suite.yaml'), 'models: [a.onnx]\n');
  vi.stubEnv('PATH', cluster.env.PATH);
});
afterEach(() => vi.unstubAllEnvs());

const pod = (index: number, status: object, more: object = {}) => ({
  metadata: {
    name: `first-${index}-x7k2p`,
    creationTimestamp: '2026-01-01T00:00:00Z',
    annotations: { 'batch.kubernetes.io/job-completion-index': String(index) },
    ...more,
  },
  status,
});

describe('a suite that is submitted to Kubernetes', () => {
  it('is created as a whole, after the cluster has looked at it, in the cluster that kubectl means now', async () => {
    const { jobs, text } = await KUBERNETES.submit(submission());
    expect(text).toContain('Submitted 4 indices as the job first.');
    const file = `--filename=${join(folder, 'job/kubernetes.yaml')}`;
    expect(cluster.calls()).toEqual([
      ['config', 'current-context'],
      [...NAMED, 'create', file, '--dry-run=server'],
      [...NAMED, 'create', file],
    ]);
    expect(cluster.objects().map(({ kind, metadata }) => [kind, metadata.name, metadata.namespace])).toEqual([
      ['ConfigMap', 'first', 'evaluation'],
      ['Job', 'first', 'evaluation'],
      ['Job', 'first-merge', 'evaluation'],
    ]);
    expect(KUBERNETES.results?.(jobs)).toBe('/work/first-results.json on the volume');
    await expect(KUBERNETES.submit(submission())).rejects.toThrow(/"first" already exists\./);
  });

  it('is not created where the cluster refuses it, and the cluster’s reason is told', async () => {
    cluster.fail('create', 'Error from server (Forbidden): jobs.batch is forbidden');
    await expect(KUBERNETES.submit(submission())).rejects.toMatchObject({
      code: 'kubectl-failed',
      exitCode: 6,
      message: 'kubectl failed: Error from server (Forbidden): jobs.batch is forbidden.',
    });
    expect(cluster.objects()).toEqual([]);
  });

  it('stands as its indices and their newest pods do', async () => {
    const { jobs } = await KUBERNETES.submit(submission(OPTIONS, { machines: 8 }));
    cluster.setStatus('first', { active: 4, completedIndexes: '0,2-3', failedIndexes: '5' });
    const waiting = { state: { waiting: { reason: 'ImagePullBackOff' } } };
    cluster.setPods([
      pod(1, { phase: 'Running', containerStatuses: [{ state: { running: {} } }] }),
      pod(4, { phase: 'Pending', containerStatuses: [waiting] }),
      pod(5, {
        phase: 'Failed',
        containerStatuses: [{ state: { terminated: { exitCode: 2, reason: 'Error' } } }],
      }),
      pod(6, { phase: 'Running' }, { creationTimestamp: '2026-01-01T00:01:00Z' }),
      pod(6, {
        phase: 'Failed',
        containerStatuses: [{ state: { terminated: { exitCode: 137, reason: 'OOMKilled' } } }],
      }),
      pod(7, {
        phase: 'Pending',
        conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable' }],
      }),
    ]);
    const { text, finished, total, end, next } = await KUBERNETES.standing(jobs, folder);
    expect(text.split('\n')).toEqual([
      '0       Complete',
      '1       Running',
      '2       Complete',
      '3       Complete',
      '4       Pending (ImagePullBackOff)',
      '5       Failed (status 2)',
      '6       Running',
      '7       Pending (Unschedulable)',
      'merge   Suspended',
    ]);
    expect({ finished, total, end, next }).toEqual({ finished: 3, total: 8, end: null, next: undefined });
  });

  it('has its merge started once the indices have ended, also when one failed, and its log kept', async () => {
    const { jobs } = await KUBERNETES.submit(submission());
    cluster.setStatus('first', {
      ...{ completedIndexes: '0-2', failedIndexes: '3' },
      conditions: [{ type: 'FailureTarget', status: 'True', reason: 'FailedIndexes' }],
    });
    expect((await KUBERNETES.standing(jobs, folder)).next).toBeUndefined();
    cluster.setStatus('first', {
      ...{ completedIndexes: '0-2', failedIndexes: '3' },
      conditions: [
        { type: 'FailureTarget', status: 'True', reason: 'FailedIndexes' },
        { type: 'Failed', status: 'True', reason: 'FailedIndexes' },
      ],
    });
    const ended = await KUBERNETES.standing(jobs, folder);
    expect(ended.end).toBeNull();
    await ended.next?.();
    expect(cluster.calls().at(-1)).toEqual([
      ...[...NAMED, 'patch', 'job', 'first-merge', '--type=merge', '--patch={"spec":{"suspend":false}}'],
    ]);
    cluster.setStatus('first-merge', { active: 1 });
    const merging = await KUBERNETES.standing(jobs, folder);
    expect(merging.text).toMatch(/^merge {3}Running$/m);
    expect(merging.next).toBeUndefined();
    cluster.setStatus('first-merge', { conditions: [{ type: 'Failed', status: 'True' }] });
    const merged = await KUBERNETES.standing(jobs, folder);
    expect(merged.end).toMatchObject({ message: expect.stringContaining('ended as Failed') });
    await merged.next?.();
    expect(readFileSync(join(folder, 'log-merge.txt'), 'utf8')).toContain('1 of 4 cells are not finished');
    cluster.setStatus('first-merge', { conditions: [{ type: 'Complete', status: 'True' }] });
    expect((await KUBERNETES.standing(jobs, folder)).end).toBe('complete');
  });

  it('that is cancelled, or gone, is said to be', async () => {
    const { jobs } = await KUBERNETES.submit(submission());
    await KUBERNETES.cancel(jobs);
    expect(cluster.calls().at(-1)).toEqual([
      ...[...NAMED, 'delete', 'jobs,configmaps'],
      ...['--selector=app.kubernetes.io/instance=first', '--wait=false'],
    ]);
    expect((await KUBERNETES.standing(jobs, folder)).end).toMatchObject({
      message: expect.stringContaining('are not there any more'),
    });
  });

  it('says so where there is no kubectl, and prints without one', async () => {
    vi.stubEnv('PATH', folder);
    await expect(KUBERNETES.submit(submission())).rejects.toMatchObject({
      message: 'There is no kubectl here.',
      hint: expect.stringContaining('--print'),
    });
    expect((await KUBERNETES.preview(submission())).text).toContain('completionMode: Indexed');
  });
});
