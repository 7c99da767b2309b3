/** About src/evals/suite/kubernetes-options.ts, src/evals/suite/kubernetes.ts, src/evals/suite/schedulers.ts */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { KUBERNETES } from '../../../src/evals/suite/kubernetes.js';
import type { Submission } from '../../../src/evals/suite/scheduler.js';
import { optionsFor, schedulerNamed } from '../../../src/evals/suite/schedulers.js';
import { temporaryFolder } from '../../support/folder.js';

const OPTIONS = {
  image: 'example.org/duo-eval:1',
  claim: 'shared',
  namespace: 'evaluation',
  'job-name': 'first',
};
const folder = temporaryFolder().root;
writeFileSync(join(folder, 'suite.yaml'), 'models: [a.onnx]\n');
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

describe('options of Kubernetes', () => {
  it.each([
    [{ image: undefined }, /needs --image/],
    [{ claim: undefined }, /--claim or --host-path/],
    [{ 'host-path': '/mnt' }, /--claim or --host-path/],
    [{ image: '--privileged' }, /--image does not take "--privileged"/],
    [{ image: 'a b' }, /--image does not take/],
    [{ claim: 'Shared_Claim' }, /--claim does not take/],
    [{ namespace: 'a/b' }, /--namespace does not take/],
    [{ 'job-name': 'Job' }, /--job-name does not take/],
    [{ 'job-name': 'j'.repeat(51) }, /--job-name does not take/],
    [{ mount: 'work' }, /--mount does not take/],
    [{ mount: '/a:b' }, /--mount does not take/],
    [{ mount: '/tmp' }, /for something else/],
    [{ mount: '/work/../etc' }, /for something else/],
    [{ memory: 'much' }, /--memory does not take/],
    [{ user: '0' }, /--user does not take "0"/],
    [{ user: 'root' }, /--user does not take/],
    [{ env: ['NAME'] }, /--env does not take "NAME"/],
    [{ env: ['A=1', '1A=2'] }, /--env does not take "1A=2"/],
    [{ secret: ['Token'] }, /--secret does not take/],
    [{ 'node-selector': ['gpu'] }, /--node-selector does not take/],
    [{ 'in-volume': '../up' }, /--in-volume does not take/],
    [{ 'in-volume': '/abs' }, /--in-volume does not take/],
    [{ gpu: 'nvidia.com/gpu' }, /--provider cpu does not use/],
    [{ gpu: 'gpu' }, /--gpu does not take/],
  ])('%j are refused', async (wrong, message) => {
    await expect(KUBERNETES.preview(submission({ ...OPTIONS, ...wrong }))).rejects.toThrow(message);
  });

  it('reach the objects, and no plan is made where it lies in the volume', async () => {
    const all = {
      ...{ image: 'r.example:5000/a/b@sha256:00', 'host-path': '/mnt/a b', namespace: 'n', mount: '/data' },
      ...{ 'in-volume': 'suites/first', memory: '1.5Gi', gpu: 'nvidia.com/gpu', 'service-account': 'sa' },
      ...{ env: ['A=b=c', 'E='], secret: ['one', 'two'], 'node-selector': ['a.b/c=d'], user: '7:8' },
    };
    const asked = submission(all, {
      settings: { provider: 'cuda', threads: 2, allowCode: false },
      plan: () => Promise.reject(new Error('no plan is needed')),
    });
    const { text } = await KUBERNETES.preview(asked);
    for (const line of [
      'path: "/mnt/a b"',
      'value: "b=c"',
      'a.b/c: d',
      'serviceAccountName: sa',
      'nvidia.com/gpu: "1"',
      'runAsUser: 7',
      'fsGroup: 8',
      '- /data/suites/first/suite.yaml',
    ])
      expect(text).toContain(line);
    expect(text).not.toContain('ConfigMap');
  });

  it('name the job after the suite, where it has no name: the same for the same', async () => {
    const { 'job-name': _, ...unnamed } = OPTIONS;
    const nameIn = async (more: Partial<Submission> = {}) =>
      / {2}name: (\S+)/.exec((await KUBERNETES.preview(submission(unnamed, more))).text)?.[1];
    const name = await nameIn();
    expect(name).toMatch(/^duo-eval-[0-9a-f]{8}$/);
    expect(await nameIn()).toBe(name);
    expect(await nameIn({ machines: 5 })).not.toBe(name);
  });

  it('of one scheduler are refused for another', () => {
    expect(() => optionsFor(KUBERNETES as never, { partition: 'main' })).toThrow(
      /--partition is for --to slurm, not for --to kubernetes/,
    );
    expect(() => optionsFor(schedulerNamed('slurm'), { claim: 'a' })).toThrow(
      /--claim is for --to kubernetes/,
    );
    expect(() => schedulerNamed('kubernets')).toThrow(/--to has no value "kubernets"/);
  });
});
