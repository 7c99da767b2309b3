/** The flags of `submit` that are for Kubernetes: what they must look like, and what they mean for pods. */
import { UsageError } from '../../errors.js';
import { sha256OfBytes } from '../../storage/digest.js';
import { MOST_BYTES, readSmallFile } from '../../storage/small-file.js';
import type { PodOptions } from './kubernetes-manifest.js';
import type { Submission } from './scheduler.js';

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
/** What each option must look like, and an example. Kubernetes says the same, later. */
const FORMS = {
  image: [/^[a-z0-9][\w.:@/-]*$/i, 'example.org/duo-eval:0.1.0'],
  claim: [new RegExp(`^${LABEL}(\\.${LABEL})*$`), 'shared-cache'],
  'host-path': [/^\/[^\0\n]*$/, '/mnt/shared'],
  // Kubernetes takes no colon here.
  mount: [/^(\/[^\0\n:/]+)+$/, '/work'],
  namespace: [new RegExp(`^${LABEL}$`), 'evaluation'],
  // Pods are called by it, -merge or the index, and 5 letters: 63 in all.
  'job-name': [/^[a-z]([-a-z0-9]{0,48}[a-z0-9])?$/, 'duo-eval-1'],
  memory: [/^[1-9]\d*(\.\d+)?(Ki|Mi|Gi|Ti|k|M|G|T)?$/, '32Gi'],
  gpu: [/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?\/[\w.-]*\w$/i, 'nvidia.com/gpu'],
  env: [/^[A-Za-z_][\w.-]*=[^\0]*$/, 'HF_ENDPOINT=https://example.org'],
  secret: [new RegExp(`^${LABEL}(\\.${LABEL})*$`), 'hub-token'],
  'service-account': [new RegExp(`^${LABEL}(\\.${LABEL})*$`), 'evaluator'],
  'node-selector': [/^[\w./-]*\w=([\w.-]*\w)?$/, 'gpu=h100'],
  user: [/^[1-9]\d{0,8}(:\d{1,9})?$/, '1000:1000'],
  'kube-context': [/^[^\0\n]+$/, 'my-cluster'],
  'in-volume': [/^(?!\.)[\w.-]+(\/(?!\.)[\w.-]+)*$/, 'suites/first'],
} as const satisfies Record<string, readonly [RegExp, string]>;
type Option = keyof typeof FORMS;

/** @throws UsageError */
export function kubernetesOptions(submission: Submission): PodOptions & { context: string | null } {
  const { options, settings, suite, folder } = submission;
  const all = (name: Option): string[] => {
    const [form, example] = FORMS[name];
    const values = [options[name] ?? []].flat();
    const odd = values.find((value) => !form.test(value));
    if (odd === undefined) return values;
    throw new UsageError({
      code: 'invalid-flag-value',
      message: `--${name} does not take "${odd}".`,
      hint: `For example: --${name} ${example}`,
    });
  };
  const one = (name: Option): string | undefined => all(name)[0];
  const missing = (message: string, hint: string) => new UsageError({ code: 'missing-flag', message, hint });
  const [image, claim, hostPath] = [one('image'), one('claim'), one('host-path')];
  if (image === undefined)
    throw missing(
      '--to kubernetes needs --image.',
      'The Dockerfile of duo-eval makes one; your cluster must be able to pull it.',
    );
  if ((claim === undefined) === (hostPath === undefined))
    throw missing(
      '--to kubernetes needs the volume that all pods share: --claim or --host-path.',
      '--claim names a PersistentVolumeClaim; pods on several nodes need the access mode ReadWriteMany.',
    );
  const gpu = one('gpu');
  if (gpu !== undefined && settings.provider === 'cpu')
    throw missing(
      `--gpu ${gpu} asks for GPUs that --provider cpu does not use.`,
      'Give --provider cuda, too.',
    );
  const mount = one('mount') ?? '/work';
  if (mount === '/tmp' || mount.startsWith('/etc') || mount.split('/').includes('..'))
    throw new UsageError({
      code: 'invalid-flag-value',
      message: `--mount does not take "${mount}": pods need that folder for something else.`,
      hint: 'For example: --mount /work',
    });
  const pairs = (name: 'env' | 'node-selector') =>
    all(name).map((text): [string, string] => {
      const at = text.indexOf('=');
      return [text.slice(0, at), text.slice(at + 1)];
    });
  const [uid, gid = uid] = (one('user') ?? '1000:1000').split(':').map(Number);
  return {
    name:
      one('job-name') ??
      `duo-eval-${sha256OfBytes(JSON.stringify([folder, textOf(suite), submission.machines, image])).slice(0, 8)}`,
    namespace: one('namespace'),
    image,
    volume: claim === undefined ? { hostPath: hostPath! } : { claim }, // one of them, by the check above
    mount,
    inVolume: one('in-volume'),
    memory: one('memory'),
    gpu,
    env: pairs('env'),
    secrets: all('secret'),
    serviceAccount: one('service-account'),
    nodeSelector: Object.fromEntries(pairs('node-selector')),
    user: { uid, gid },
    context: one('kube-context') ?? null,
  };
}

/** Names of the flags. */
export const KUBERNETES_FLAGS = Object.keys(FORMS);

/** The text of a suite's file. @throws FileError */
export const textOf = (path: string): string => readSmallFile(path, MOST_BYTES.yaml).toString('utf8');
