/** About src/evals/suite/kubernetes-manifest.ts */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Job } from 'kubernetes-models/batch/v1';
import { ConfigMap } from 'kubernetes-models/v1';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { asYaml, kubernetesObjects, type PodOptions } from '../../../src/evals/suite/kubernetes-manifest.js';
import type { Submission } from '../../../src/evals/suite/scheduler.js';
import { temporaryFolder } from '../../support/folder.js';
import { root } from '../../support/run.js';

const submission = (more: Partial<Submission> = {}): Submission => ({
  ...{ to: 'kubernetes', suite: '/home/me/suite.yaml', folder: '/home/me/job', machines: 4, program: null },
  settings: { provider: 'cpu', threads: 8, allowCode: false },
  options: {},
  plan: () => Promise.reject(new Error('not asked for here')),
  ...more,
});
const options = (more: Partial<PodOptions> = {}): PodOptions => ({
  ...{ name: 'first', image: 'example.org/duo-eval:1', volume: { claim: 'shared' }, mount: '/work' },
  ...{ env: [], secrets: [], nodeSelector: {}, user: { uid: 1000, gid: 1000 } },
  ...more,
});
const files = { suite: 'models: [a.onnx]\n', plan: '{}\n' };
const everything = options({
  ...{ namespace: 'evaluation', memory: '32Gi', gpu: 'nvidia.com/gpu', serviceAccount: 'evaluator' },
  ...{ env: [['HF_HOME', '/work/hub']], secrets: ['hub-token'], nodeSelector: { gpu: 'h100' } },
  ...{ volume: { hostPath: '/mnt/shared' }, user: { uid: 5012, gid: 100 } },
});
const onGpu = submission({ settings: { provider: 'cuda', threads: 8, allowCode: true } });

interface Container {
  name: string;
  command: string[];
  args: string[];
  env: { name: string; value: string }[];
  resources: { requests: Record<string, string>; limits: Record<string, string> };
  volumeMounts: { name: string; mountPath: string }[];
  securityContext: object;
}
interface JobObject {
  kind: string;
  metadata: { name: string };
  spec: {
    podFailurePolicy: {
      rules: { action: string; onExitCodes?: { containerName: string; values: number[] } }[];
    };
    template: {
      spec: {
        restartPolicy: string;
        containers: Container[];
        volumes: { name: string }[];
        securityContext: object;
        tolerations?: object[];
        automountServiceAccountToken: boolean;
      };
    };
  } & Record<string, unknown>;
}
const jobs = (...args: Parameters<typeof kubernetesObjects>) =>
  kubernetesObjects(...args).filter((one): one is JobObject => (one as JobObject).kind === 'Job');
const containerOf = ({ spec }: JobObject) => spec.template.spec.containers[0];

/** Objects as literals of their types: TypeScript then refuses a field that Kubernetes does not have, wherever it stands. */
function typeErrors(objects: readonly object[]): string {
  const { root: folder } = temporaryFolder();
  const typeOf = (one: object) => ((one as JobObject).kind === 'Job' ? 'IJob' : 'IConfigMap');
  const path = join(folder, 'objects.ts');
  const models = join(root, 'node_modules/kubernetes-models');
  writeFileSync(
    path,
    [
      `import type { IJob } from '${models}/batch/v1';`,
      `import type { IConfigMap } from '${models}/v1';`,
      ...objects.map((one, i) => `export const object${i}: ${typeOf(one)} = ${JSON.stringify(one)};`),
    ].join('\n'),
  );
  const flags = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--target', 'es2022'];
  const { stdout } = spawnSync(process.execPath, [
    ...[join(root, 'node_modules/typescript/bin/tsc'), ...flags, '--ignoreConfig', path],
  ]);
  return stdout.toString();
}

describe('the objects of a suite on Kubernetes', () => {
  const plain = kubernetesObjects(submission(), options(), files);
  const full = kubernetesObjects(onGpu, everything, files);

  it.each([
    ['the fewest options', plain],
    ['every option', full],
    ['the suite in the volume', kubernetesObjects(submission(), options({ inVolume: 'a/b' }), null)],
  ])('meet its schema, with %s', (_title, objects) => {
    for (const one of objects) {
      const { kind } = one as JobObject;
      const model = kind === 'Job' ? new Job(one as never) : new ConfigMap(one as never);
      expect(() => model.validate()).not.toThrow();
    }
  });

  it('are told from what does not meet it: a missing or a wrong field', () => {
    const [, job] = plain as [object, JobObject];
    const broken = (change: object) => () =>
      new Job({ ...job, spec: { ...job.spec, ...change } } as never).validate();
    expect(broken({ completions: 'four' })).toThrow();
    expect(broken({ completionMode: 'indexed' })).toThrow();
    expect(broken({ template: undefined })).toThrow();
    expect(broken({ podFailurePolicy: { rules: [{ action: 'Retry' }] } })).toThrow();
  });

  it('have no field that Kubernetes does not know', () => {
    expect(typeErrors([...plain, ...full])).toBe('');
    const [, job] = structuredClone(plain) as [object, JobObject];
    Object.assign(containerOf(job), { enviroment: [] });
    expect(typeErrors([job])).toContain('enviroment');
  });

  it('are an Indexed Job, in which an index that fails stops no other, and a merge that waits to be started', () => {
    const [units, merge] = jobs(submission(), options(), files);
    expect(units.spec).toMatchObject({
      ...{ completionMode: 'Indexed', completions: 4, parallelism: 4 },
      ...{ backoffLimitPerIndex: 3, maxFailedIndexes: 4 },
    });
    expect(units.spec).not.toHaveProperty('suspend');
    expect(merge.spec).toMatchObject({ suspend: true, backoffLimit: 3 });
    expect(merge.metadata.name).toBe('first-merge');
    expect(containerOf(units).args.join(' ')).toBe(
      'run /etc/duo-eval/suite.yaml --relative-to /work --plan /etc/duo-eval/plan.json --threads 8 --units auto',
    );
    expect(containerOf(merge).args.join(' ')).toContain('merge --from-cache /etc/duo-eval/suite.yaml');
    expect(containerOf(merge).args).toContain('/work/first-results.json');
  });

  it('have a failure policy that the API server takes, and that says what each exit status does', () => {
    for (const job of jobs(submission(), options(), files)) {
      const { rules } = job.spec.podFailurePolicy;
      const actionOf = (status: number) =>
        rules.find(({ onExitCodes }) => onExitCodes?.values.includes(status))?.action ?? 'Count';
      const hopeless = job.metadata.name.endsWith('-merge') ? 'FailJob' : 'FailIndex';
      expect([75, 76, 2, 5].map(actionOf)).toEqual(['Ignore', 'Ignore', hopeless, hopeless]);
      // The first rule that fits decides: a disruption is not counted, but does not start again what is hopeless.
      expect(rules.map(({ action }) => action)).toEqual([hopeless, 'Ignore', 'Ignore']);
      expect(rules[1]).toEqual({
        action: 'Ignore',
        onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }],
      });
      if (hopeless === 'FailIndex') expect(actionOf(77)).toBe('FailIndex');
      // Out of memory, killed, a fault of ours: counted.
      expect([137, 139, 1].map(actionOf)).toEqual(['Count', 'Count', 'Count']);
      // Its rules beyond the schema: values in ascending order, not 0, of a container of the pod, which is never restarted in place.
      for (const { onExitCodes } of rules) {
        if (!onExitCodes) continue;
        expect(onExitCodes.values).toEqual([...new Set(onExitCodes.values)].sort((a, b) => a - b));
        expect(onExitCodes.values).not.toContain(0);
        expect(onExitCodes.containerName).toBe(containerOf(job).name);
      }
      expect(job.spec.template.spec.restartPolicy).toBe('Never');
    }
  });

  it('ask for GPUs where models run and not for the merge, and for as many processors as threads', () => {
    const [units, merge] = jobs(onGpu, everything, files);
    expect(containerOf(units).resources).toEqual({
      requests: { cpu: '8', memory: '32Gi' },
      limits: { cpu: '8', memory: '32Gi', 'nvidia.com/gpu': '1' },
    });
    expect(units.spec.template.spec.tolerations).toEqual([
      { key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' },
    ]);
    expect(containerOf(merge).resources.limits).toEqual({ cpu: '8', memory: '32Gi' });
    expect(merge.spec.template.spec).not.toHaveProperty('tolerations');
    for (const job of [units, merge])
      expect(containerOf(job).args.join(' ')).toContain('--provider cuda --allow-code');
  });

  it('have no rights: no root, no token, a read-only image', () => {
    for (const job of jobs(onGpu, everything, files)) {
      expect(job.spec.template.spec).toMatchObject({
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        securityContext: { runAsNonRoot: true, runAsUser: 5012, runAsGroup: 100, fsGroup: 100 },
      });
      expect(containerOf(job).securityContext).toEqual({
        ...{ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true },
        capabilities: { drop: ['ALL'] },
      });
    }
  });

  it('mount what they name, each variable once: that of the user where there are two', () => {
    const env = [['DUO_EVAL_CACHE', '/work/mine']] as const;
    for (const job of jobs(submission(), options({ env }), files)) {
      const names = job.spec.template.spec.volumes.map(({ name }) => name);
      expect(containerOf(job).volumeMounts.map(({ name }) => name)).toEqual(names);
      expect(containerOf(job).env).toEqual([
        { name: 'DUO_EVAL_CACHE', value: '/work/mine' },
        { name: 'HOME', value: '/tmp' },
      ]);
    }
  });

  it('are refused past the size of a ConfigMap, with what to do instead', () => {
    const large = { suite: 'x', plan: 'é'.repeat(2 ** 19) };
    expect(() => kubernetesObjects(submission(), options(), large)).toThrow(/take 1.0 MiB, and a ConfigMap/);
    expect(kubernetesObjects(submission(), options(), { ...large, suite: '' })).toHaveLength(3);
    const inVolume = kubernetesObjects(submission(), options({ inVolume: 'suites/a' }), null);
    expect(inVolume).toHaveLength(2);
    expect(containerOf(inVolume[0] as JobObject).args).toContain('/work/suites/a/suite.yaml');
  });
});

describe('texts of users', () => {
  const texts = [
    ...[
      'yes',
      'on',
      'NO',
      '~',
      '',
      ' ',
      'null',
      '12:30',
      '0777',
      '0o17',
      '1_000',
      '1e3',
      '.inf',
      '2001-01-01',
    ],
    ...[
      '- x',
      'a: b',
      '# no',
      '{a}',
      '[1]',
      '*a',
      '&a',
      '!!int 1',
      '%x',
      '@x',
      '`x',
      '<<',
      '=',
      '|',
      '>',
      '---',
    ],
    ...[
      'a\nb',
      'a\r\nb\n',
      '\ta',
      'a\u0085b\n',
      'a\u2028b\n',
      '\ufeffa\n',
      'x\u0007\n',
      '---\nkind: Secret\n',
    ],
    ...[
      'é 漢字 😀',
      "it's",
      '"',
      '\\',
      '\\u2028',
      'a \n b\n',
      '\n',
      '\n\na\n',
      'a\n\n',
      '  a\n b\n',
      '...\n',
    ],
  ];
  const [configMap, job] = kubernetesObjects(
    submission({ program: ['duo-eval', ...texts] }),
    options({ env: texts.map((text, i) => [`V${i}`, text]) }),
    { suite: texts.join('\n'), plan: texts.join('\r\n') },
  );
  const all = [configMap, job, ...texts.map((text) => ({ kind: 'List', text }))];

  it.each(['1.1', '1.2'] as const)('are data and no YAML, read as version %s', (version) => {
    const read = parseAllDocuments(asYaml(all), { version });
    expect(read.flatMap(({ errors }) => errors)).toEqual([]);
    expect(read.map((document) => document.toJS())).toEqual(all);
  });

  it.skipIf(spawnSync('kubectl', ['version', '--client']).status !== 0)(
    'are what kubectl reads (where kubectl is installed)',
    () => {
      const { stdout, stderr } = spawnSync(
        'kubectl',
        [
          'label',
          '--local',
          '--filename=-',
          '--output=json',
          'app.kubernetes.io/name=duo-eval',
          '--overwrite',
        ],
        { input: asYaml([job]) },
      );
      expect(stderr.toString()).toBe('');
      expect(JSON.parse(stdout.toString()).spec.template.spec).toEqual((job as JobObject).spec.template.spec);
    },
  );

  it('are not expanded as variables of Kubernetes', () => {
    const [units] = jobs(
      submission({ program: ['duo-eval', '$(HOME)', '$HOME', '$$'] }),
      options({ env: [['A', '$(HOME)']] }),
      files,
    );
    expect(containerOf(units).command).toEqual(['duo-eval', '$$(HOME)', '$$HOME', '$$$$']);
    expect(containerOf(units).env.at(-1)).toEqual({ name: 'A', value: '$$(HOME)' });
  });
});
