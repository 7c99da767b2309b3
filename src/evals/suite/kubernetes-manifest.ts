/**
 * A suite as objects of Kubernetes: an Indexed Job, each of whose indices runs one share of a plan; a suspended Job that merges; and a
 * ConfigMap that brings the suite and the plan to their pods. Nothing here talks to a cluster.
 *
 * - The status of a run says what becomes of its index. 2, 5 and 77, which no retry mends, end the index; 75 and 76 (run me again) and
 *   disruptions, such as a drained node, are started again and not counted; all else counts, at most {@link RETRIES} times an index. An
 *   index that fails stops no other.
 * - The merge cannot see that the indices have ended: a pod that asks the cluster needs privileges that duo-eval does not ask for, and one
 *   that waits for units in the cache would wait for ever for those that failed. So it is suspended until `submit wait` starts it with the
 *   rights of the person who submitted.
 * - Kubernetes replaces `$(NAME)` in commands and values; `$$` is a dollar sign.
 */
import { basename } from 'node:path';
import { Document, isScalar, Scalar, visit } from 'yaml';
import { UsageError } from '../../errors.js';
import { type Submission, settingFlags } from './scheduler.js';

/** Failures of one index that are counted. */
const RETRIES = 3;

/** Seconds from SIGTERM to SIGKILL: a call of the model is given up after 5, and then what there is is written. */
const GRACE_SECONDS = 60;

/** Of all values of a ConfigMap together. */
const CONFIG_MAP_BYTES = 2 ** 20;

/** Where pods find the ConfigMap. */
const CONFIG_FOLDER = '/etc/duo-eval';

/** Exit statuses (errors.ts): unfinished and in use; the faults that stay however often one tries, and no progress. */
const AGAIN = [75, 76];
const HOPELESS = [2, 5, 77];
/** A merge that found cells missing ended with 6, and would again. */
const HOPELESS_MERGE = [2, 3, 4, 5, 6];

/** What the pods of a suite need. Names are those of Kubernetes, checked by kubernetes-options.ts. */
export interface PodOptions {
  /** Of the objects; pods are called by it and their index. */
  name: string;
  namespace?: string;
  image: string;
  /** The shared volume: a claim, or a folder that all nodes have. */
  volume: { claim: string } | { hostPath: string };
  /** Where pods see it. Paths of the suite are relative to this folder. */
  mount: string;
  /** Folder of the volume that holds the suite and plan.json, in place of the ConfigMap. */
  inVolume?: string;
  memory?: string;
  /** Name of the resource, `nvidia.com/gpu`: one for each index. */
  gpu?: string;
  env: readonly (readonly [name: string, value: string])[];
  /** Names of Secrets, whose keys become variables. */
  secrets: readonly string[];
  serviceAccount?: string;
  nodeSelector: Readonly<Record<string, string>>;
  user: { uid: number; gid: number };
}

/** Where the merge writes its results, as its pod sees it, without the ending. */
export const resultsOf = ({ mount, name }: Pick<PodOptions, 'mount' | 'name'>): string =>
  `${mount}/${name}-results`;

/** The objects. @param files the suite's text and the plan's; null where they lie in the volume   @throws UsageError when they are too large */
export function kubernetesObjects(
  { suite, machines, program, settings }: Submission,
  options: PodOptions,
  files: { suite: string; plan: string } | null,
): object[] {
  const { name, namespace, inVolume, mount } = options;
  // What names the suite where it does not name itself.
  const suiteFile = /^[\w.-]+$/.test(basename(suite)) ? basename(suite) : 'suite.yaml';
  const folder = inVolume === undefined ? CONFIG_FOLDER : `${mount}/${inVolume}`;
  const metadata = (of: string, component: string) => ({
    name: of,
    ...(namespace !== undefined && { namespace }),
    labels: labelsOf(name, component),
  });
  const common = [
    ...[`${folder}/${suiteFile}`, '--relative-to', mount, '--plan', `${folder}/plan.json`],
    ...settingFlags(settings),
  ];
  const pod = (component: string, args: readonly string[], gpu?: string) => ({
    metadata: { labels: labelsOf(name, component) },
    spec: podSpec(component, [...(program ?? ['duo-eval'])], args, { ...options, gpu }, settings.threads),
  });
  const job = (of: string, component: string, spec: object) => ({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: metadata(of, component),
    spec,
  });
  const units = job(name, 'units', {
    completionMode: 'Indexed',
    completions: machines,
    parallelism: machines,
    backoffLimitPerIndex: RETRIES,
    // So many that one index stops no other.
    maxFailedIndexes: machines,
    podFailurePolicy: failurePolicy('units', { action: 'FailIndex', values: HOPELESS }),
    template: pod('units', ['run', ...common, '--units', 'auto'], options.gpu),
  });
  const merge = job(`${name}-merge`, 'merge', {
    suspend: true,
    backoffLimit: RETRIES,
    podFailurePolicy: failurePolicy('merge', { action: 'FailJob', values: HOPELESS_MERGE }),
    template: pod('merge', [
      ...['merge', '--from-cache', ...common],
      ...['json', 'csv', 'html'].flatMap((ending) => ['--out', `${resultsOf(options)}.${ending}`]),
    ]),
  });
  if (files === null) return [units, merge];
  const data = { [suiteFile]: files.suite, 'plan.json': files.plan };
  checkSize(files);
  return [
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: metadata(name, 'suite'), immutable: true, data },
    units,
    merge,
  ];
}

const labelsOf = (name: string, component: string) => ({
  'app.kubernetes.io/name': 'duo-eval',
  'app.kubernetes.io/instance': name,
  'app.kubernetes.io/component': component,
});

/** The first rule that fits decides; what fits none counts. */
const failurePolicy = (
  containerName: string,
  { action, values }: { action: 'FailIndex' | 'FailJob'; values: readonly number[] },
) => ({
  rules: [
    // Also on a node that is drained: what a preempted machine never gets done is not started for ever.
    { action, onExitCodes: { containerName, operator: 'In', values } },
    { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
    { action: 'Ignore', onExitCodes: { containerName, operator: 'In', values: AGAIN } },
  ],
});

function podSpec(
  component: string,
  command: readonly string[],
  args: readonly string[],
  options: PodOptions,
  threads: number | undefined,
): object {
  const { image, volume, mount, inVolume, memory, gpu, env, secrets, serviceAccount, nodeSelector, user } =
    options;
  // Equal requests and limits: the pod is the last to be evicted, and its threads have the processors that they count on.
  const resources = { ...(threads && { cpu: String(threads) }), ...(memory && { memory }) };
  const own = { DUO_EVAL_CACHE: `${mount}/cache`, HOME: '/tmp' };
  const variables = new Map([...Object.entries(own), ...env]);
  const fromConfigMap = inVolume === undefined;
  return {
    restartPolicy: 'Never',
    terminationGracePeriodSeconds: GRACE_SECONDS,
    ...(serviceAccount !== undefined && { serviceAccountName: serviceAccount }),
    // Nothing here asks the cluster anything, and variables of services could be taken for those of flags.
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    ...(Object.keys(nodeSelector).length > 0 && { nodeSelector }),
    // Nodes with GPUs often keep out what does not ask for them.
    ...(gpu !== undefined && { tolerations: [{ key: gpu, operator: 'Exists', effect: 'NoSchedule' }] }),
    securityContext: {
      runAsNonRoot: true,
      runAsUser: user.uid,
      runAsGroup: user.gid,
      fsGroup: user.gid,
      fsGroupChangePolicy: 'OnRootMismatch',
      seccompProfile: { type: 'RuntimeDefault' },
    },
    containers: [
      {
        name: component,
        image,
        command: command.map(literal),
        args: args.map(literal),
        workingDir: mount,
        env: [...variables].map(([name, value]) => ({ name, value: literal(value) })),
        ...(secrets.length > 0 && { envFrom: secrets.map((name) => ({ secretRef: { name } })) }),
        resources: {
          requests: resources,
          limits: { ...resources, ...(gpu !== undefined && { [gpu]: '1' }) },
        },
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        },
        volumeMounts: [
          { name: 'shared', mountPath: mount },
          ...(fromConfigMap ? [{ name: 'suite', mountPath: CONFIG_FOLDER, readOnly: true }] : []),
          { name: 'tmp', mountPath: '/tmp' },
        ],
      },
    ],
    volumes: [
      'claim' in volume
        ? { name: 'shared', persistentVolumeClaim: { claimName: volume.claim } }
        : { name: 'shared', hostPath: { path: volume.hostPath, type: 'Directory' } },
      ...(fromConfigMap ? [{ name: 'suite', configMap: { name: options.name } }] : []),
      { name: 'tmp', emptyDir: {} },
    ],
  };
}

const literal = (text: string): string => text.replaceAll('$', '$$$$');

function checkSize({ suite, plan }: { suite: string; plan: string }): void {
  const bytes = Buffer.byteLength(suite) + Buffer.byteLength(plan);
  if (bytes <= CONFIG_MAP_BYTES) return;
  throw new UsageError({
    code: 'plan-too-large',
    message: `The suite and its plan take ${(bytes / 2 ** 20).toFixed(1)} MiB, and a ConfigMap holds 1 MiB.`,
    hint: 'Copy both into a folder of the volume, the plan as plan.json, and name it: --in-volume <folder>. duo-eval run suite.yaml --plan plan.json --machines n writes the plan.',
  });
}

/** As YAML that readers of versions 1.1 and 1.2 understand alike: kubectl's is one of 1.1. */
export function asYaml(objects: readonly object[]): string {
  return objects
    .map((object) => {
      const document = new Document(object, { version: '1.1' });
      document.directives = undefined as never; // The version is no line of the file.
      visit(document, {
        Scalar(_key, node) {
          if (!isScalar<string>(node) || typeof node.value !== 'string') return;
          if (/^[A-Za-z/][\w./-]*$/.test(node.value)) return; // Quoted where it would be another thing, such as `yes`.
          node.type = /^[\t\n\x20-\x7e\xa0-\u1fff]*\n$/.test(node.value)
            ? Scalar.BLOCK_LITERAL
            : Scalar.QUOTE_DOUBLE;
        },
      });
      // What YAML 1.1 takes for the end of a line stands in double quotes alone.
      return document
        .toString({ lineWidth: 0, doubleQuotedMinMultiLineLength: Number.POSITIVE_INFINITY })
        .replace(
          /[\x7f-\x9f\u2028\u2029\ufeff]/g,
          (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`,
        );
    })
    .join('---\n');
}
