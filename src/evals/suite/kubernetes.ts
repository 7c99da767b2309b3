/**
 * A suite on Kubernetes (kubernetes-manifest.ts says as what), through kubectl and with the rights that it has. The folder, which no pod
 * sees, holds the plan, the objects and the log of the merge; results come onto the volume.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { FileError } from '../../errors.js';
import { writeFileAtomically } from '../../storage/atomic-file.js';
import { asYaml, kubernetesObjects, type PodOptions, resultsOf } from './kubernetes-manifest.js';
import { KUBERNETES_FLAGS, kubernetesOptions, textOf } from './kubernetes-options.js';
import { callProgram, type Scheduler, type Standing, type Submission } from './scheduler.js';

const submittedSchema = z.object({
  name: z.string(),
  namespace: z.string().nullable(),
  /** Of kubectl: which cluster. Null: the one that its surroundings give it. */
  context: z.string().nullable(),
  machines: z.int(),
  /** The results, as pods see them, without the ending. */
  results: z.string(),
});
type Submitted = z.infer<typeof submittedSchema>;

type Where = Pick<Submitted, 'namespace' | 'context'>;

/** @returns what it printed   @throws FileError */
const kubectl = ({ namespace, context }: Where, ...args: string[]): Promise<string> =>
  callProgram(
    'kubectl',
    [
      ...(context === null ? [] : [`--context=${context}`]),
      ...(namespace === null ? [] : [`--namespace=${namespace}`]),
      ...args,
    ],
    {
      code: 'kubectl-failed',
      missing: 'Submit from a machine that has kubectl; --print shows the objects, for kubectl create -f -.',
      failed: 'kubectl config current-context names the cluster, and --print shows the objects.',
    },
  );

/** The objects, and the plan in them. It opens the models, unless the plan lies in the volume. @throws UsageError */
async function objectsOf(
  submission: Submission,
  options: PodOptions,
): Promise<{ objects: object[]; plan: string | null }> {
  if (options.inVolume !== undefined)
    return { objects: kubernetesObjects(submission, options, null), plan: null };
  const plan = `${JSON.stringify(await submission.plan())}\n`;
  const suite = textOf(submission.suite);
  return { objects: kubernetesObjects(submission, options, { suite, plan }), plan };
}

const FINISHED = /^(Complete|Failed)$/;

const jobSchema = z.object({
  metadata: z.object({ name: z.string() }),
  spec: z.object({ suspend: z.boolean().optional() }),
  status: z
    .object({
      active: z.int().optional(),
      completedIndexes: z.string().optional(),
      failedIndexes: z.string().optional(),
      conditions: z.array(z.object({ type: z.string(), status: z.string() })).optional(),
    })
    .default({}),
});
type Job = z.infer<typeof jobSchema>;

const podSchema = z.object({
  metadata: z.object({
    creationTimestamp: z.string(),
    deletionTimestamp: z.string().optional(),
    annotations: z.record(z.string(), z.string()).optional(),
  }),
  status: z.object({
    phase: z.string().optional(),
    conditions: z
      .array(z.object({ type: z.string(), status: z.string(), reason: z.string().optional() }))
      .optional(),
    containerStatuses: z
      .array(
        z.object({
          state: z.object({
            waiting: z.object({ reason: z.string().optional() }).optional(),
            terminated: z.object({ exitCode: z.int(), reason: z.string().optional() }).optional(),
          }),
        }),
      )
      .optional(),
  }),
});
type Pod = z.infer<typeof podSchema>;

/** Indices as Kubernetes writes them, `0,2-4`. */
function indices(text: string | undefined): Set<number> {
  const found = new Set<number>();
  for (const [, from, to = from] of (text ?? '').matchAll(/(\d+)(?:-(\d+))?/g))
    for (let index = Number(from); index <= Math.min(Number(to), 1e5); index++) found.add(index);
  return found;
}

/** `Complete`, `Failed` or null. */
const endOf = ({ status }: Job): string | null =>
  status.conditions?.find(({ type, status: is }) => is === 'True' && FINISHED.test(type))?.type ?? null;

interface TaskState {
  /** The index, from 0, or `merge`. */
  task: string;
  /** `Complete`, `Failed`, `Running`, `Pending`, `Terminating`, `Suspended`. */
  state: string;
  /** Why it waits or has failed, in Kubernetes' words; absent where nothing is said. */
  reason?: string;
}

/** What the newest pod of an index says. */
function stateOf(pod: Pod | undefined, hasFailed: boolean): Omit<TaskState, 'task'> {
  const [container] = pod?.status.containerStatuses ?? [];
  if (hasFailed) {
    const { exitCode, reason } = container?.state.terminated ?? {};
    const isOwn = reason === undefined || reason === 'Error';
    return {
      state: 'Failed',
      reason: exitCode === undefined ? undefined : isOwn ? `status ${exitCode}` : reason,
    };
  }
  if (!pod) return { state: 'Pending' };
  if (pod.metadata.deletionTimestamp !== undefined) return { state: 'Terminating' };
  if (pod.status.phase === 'Running') return { state: 'Running' };
  const unscheduled = pod.status.conditions?.find(
    ({ type, status }) => type === 'PodScheduled' && status === 'False',
  );
  const reason = unscheduled?.reason ?? container?.state.waiting?.reason;
  return { state: 'Pending', reason: reason === 'ContainerCreating' ? undefined : reason };
}

/** Items of a list that kubectl printed. */
function items<T>(text: string, schema: z.ZodType<T>): T[] {
  const parsed = z.object({ items: z.array(schema) }).safeParse(jsonIn(text));
  if (parsed.success) return parsed.data.items;
  throw new FileError({
    code: 'kubectl-unknown',
    message: `kubectl answers in a form that duo-eval does not know: ${z.prettifyError(parsed.error).split('\n')[0]}.`,
    hint: 'duo-eval knows the Jobs of Kubernetes 1.29 and later.',
  });
}

/** Null where it is none. */
function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

async function standing(jobs: Submitted, folder: string): Promise<Standing> {
  const { name, machines } = jobs;
  const get = (kind: string, ...more: string[]) =>
    kubectl(jobs, 'get', kind, `--selector=app.kubernetes.io/instance=${name}`, ...more, '--output=json');
  const found = items(await get('jobs'), jobSchema);
  const [units, merge] = [name, `${name}-merge`].map((one) =>
    found.find(({ metadata }) => metadata.name === one),
  );
  if (!units || !merge)
    return {
      ...{ text: `${name} is not there any more.`, record: { tasks: [] }, finished: 0, total: machines },
      end: {
        message: `The jobs of ${folder}, ${name}, are not there any more.`,
        hint: 'What they finished is in the cache on the volume: submit the suite again.',
      },
    };
  const completed = indices(units.status.completedIndexes);
  const failed = indices(units.status.failedIndexes);
  const newest = new Map<number, Pod>();
  // Pods that succeeded tell nothing more, and may be many.
  for (const pod of items(await get('pods', '--field-selector=status.phase!=Succeeded'), podSchema)) {
    const index = Number(
      pod.metadata.annotations?.['batch.kubernetes.io/job-completion-index'] ?? Number.NaN,
    );
    const other = newest.get(index);
    if (!other || other.metadata.creationTimestamp <= pod.metadata.creationTimestamp) newest.set(index, pod);
  }
  const tasks = Array.from({ length: machines }, (_, index): TaskState => {
    const task = String(index);
    if (completed.has(index)) return { task, state: 'Complete' };
    const pod = newest.get(index);
    // A pod that has failed is about to be replaced, unless its index has.
    return {
      task,
      ...stateOf(pod?.status.phase === 'Failed' && !failed.has(index) ? undefined : pod, failed.has(index)),
    };
  });
  const end = endOf(merge);
  const started = merge.spec.suspend !== true;
  const ofMerge = end ?? (started ? ((merge.status.active ?? 0) > 0 ? 'Running' : 'Pending') : 'Suspended');
  const states = [...tasks, { task: 'merge', state: ofMerge }];
  return {
    text: states
      .map(
        ({ task, state, reason }) => `${task.padEnd(8)}${state}${reason === undefined ? '' : ` (${reason})`}`,
      )
      .join('\n'),
    record: { tasks: states },
    finished: completed.size,
    total: machines,
    next:
      end !== null
        ? () => keepLog(jobs, folder)
        : endOf(units) !== null && !started
          ? () => startMerge(jobs)
          : undefined,
    end:
      end === null || end === 'Complete'
        ? end && 'complete'
        : {
            message: `The merge of ${folder} ended as ${end}.`,
            hint: `${join(folder, 'log-merge.txt')} says what is missing, and kubectl logs job/${name} why.`,
          },
  };
}

const startMerge = async (jobs: Submitted): Promise<void> => {
  await kubectl(
    jobs,
    'patch',
    'job',
    `${jobs.name}-merge`,
    '--type=merge',
    '--patch={"spec":{"suspend":false}}',
  );
};

async function keepLog(jobs: Submitted, folder: string): Promise<void> {
  const log = await kubectl(jobs, 'logs', `job/${jobs.name}-merge`, '--all-containers');
  await writeFileAtomically(join(folder, 'log-merge.txt'), log);
}

/** The cluster that kubectl means now, so that a later command does not ask another one; null inside a pod. */
async function currentContext(): Promise<string | null> {
  try {
    return (await kubectl({ namespace: null, context: null }, 'config', 'current-context')).trim() || null;
  } catch (error) {
    if (/current-context is not set/.test((error as Error).message)) return null;
    throw error;
  }
}

export const KUBERNETES: Scheduler<Submitted> = {
  name: 'kubernetes',
  address: 'kubernetes',
  jobs: submittedSchema,
  takes: KUBERNETES_FLAGS,
  isNamedBy: (to) => to === 'kubernetes',
  results: ({ results }) => `${results}.json on the volume`,
  async preview(submission) {
    const { objects } = await objectsOf(submission, kubernetesOptions(submission));
    return { text: asYaml(objects), record: { objects } };
  },
  async submit(submission) {
    const { folder, machines } = submission;
    const options = kubernetesOptions(submission);
    const context = options.context ?? (await currentContext());
    const { name, namespace = null } = options;
    const { objects, plan } = await objectsOf(submission, options);
    if (plan !== null) await writeFileAtomically(join(folder, 'plan.json'), plan);
    const file = join(folder, 'kubernetes.yaml');
    await writeFileAtomically(file, asYaml(objects));
    // All of them or none: the cluster checks them first.
    for (const dryRun of [['--dry-run=server'], []])
      await kubectl({ namespace, context }, 'create', `--filename=${file}`, ...dryRun);
    const jobs = { name, namespace, context, machines, results: resultsOf(options) };
    return {
      jobs,
      text: `Submitted ${machines} indices as the job ${name}. duo-eval submit wait starts their merge once all of them have ended.`,
      record: { name, namespace, context },
    };
  },
  standing,
  async cancel(jobs) {
    const { name } = jobs;
    await kubectl(
      jobs,
      ...['delete', 'jobs,configmaps', `--selector=app.kubernetes.io/instance=${name}`, '--wait=false'],
    );
    return { text: `Deleted the jobs of ${name}.`, record: { cancelled: [name, `${name}-merge`] } };
  },
};
