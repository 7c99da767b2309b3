/** What a run of a task needs, from names: its documents as items, and what answers them. */
import { UsageError } from '../../errors.js';
import type { Checkpoint } from '../../models/checkpoint.js';
import { type ChosenSampler, chosenSampler } from '../../samplers/sampler.js';
import type { ScoringSettings } from '../likelihood/scored-questions.js';
import { openScoring, planScoring } from '../likelihood/scoring-session.js';
import { type ExactLikelihoodSettings, exactLikelihood } from '../perplexity/exact-likelihood.js';
import { fittingSamplers } from '../throughput/configurations.js';
import { type Documents, type DocumentsOptions, documentsOf } from './documents.js';
import { GeneratingRunner } from './generated-items.js';
import { type ItemRunner, ScoringRunner } from './item-runner.js';
import type { AskSettings, PreparedTask } from './run.js';
import { isGenerated, type Task } from './task.js';
import { type ItemSelection, itemsOf } from './task-items.js';

/** Settings that are asked for, with defaults for the rest: those of `duo-eval tasks`. */
export const askSettings = ({
  policy = { policy: 'left-to-right' },
  ...asked
}: Partial<Omit<AskSettings, 'likelihood'>> & {
  policy?: Omit<ExactLikelihoodSettings, 'from'>;
}): AskSettings => ({
  ...{ method: asked.method ?? 'policy', likelihood: exactLikelihood(policy) },
  ...{ draws: asked.draws ?? 128, until: asked.until ?? null, seed: asked.seed ?? 1 },
  ...{ tail: asked.tail ?? 'none', bos: asked.bos ?? 'always', tooLong: asked.tooLong ?? 'truncate' },
  ...{ batch: asked.batch ?? null, fresh: asked.fresh ?? false },
  ...(asked.sampler ? ofSampler(chosenSampler(asked.sampler)) : { sampler: null }),
  steps: asked.steps ?? 32,
});

type SamplerSettings = Pick<AskSettings, 'sampler' | 'samplerOptions'>;

export const ofSampler = ({ spec, options }: ChosenSampler): SamplerSettings => ({
  sampler: spec,
  ...(options && options.length > 0 && { samplerOptions: options }),
});

/** Settings of generated answers, of which each is asked for. */
export interface Sweep {
  samplers: readonly string[];
  steps: readonly number[];
}

/**
 * The settings at which a model answers a task: all of the sweep that fit it, where it generates; of ar one number of steps.
 * @throws UsageError where no sampler fits
 */
export async function sweptSettings(
  task: Task,
  checkpoint: Checkpoint,
  shared: AskSettings,
  { samplers, steps }: Sweep,
): Promise<AskSettings[]> {
  if (!isGenerated(task)) return [shared];
  const isAr = checkpoint.family === 'ar';
  const named = samplers.map(chosenSampler);
  const fits = named.length === 0 ? [] : await fittingSamplers(checkpoint, named);
  const each = fits.length === 0 ? [{}] : fits.map(ofSampler);
  return each.flatMap((own) =>
    (isAr ? steps.slice(0, 1) : steps).map((count) => ({ ...shared, ...own, steps: count })),
  );
}

export interface TaskAsked extends DocumentsOptions {
  /** Examples before each question; undefined: as many as the task says. */
  fewShot: number | undefined;
  selection: ItemSelection;
}

/** @throws UsageError, DataError, FileError */
export async function prepareTask(
  read: Task,
  { fewShot, selection, ...options }: TaskAsked,
): Promise<PreparedTask> {
  const task = fewShot === undefined ? read : { ...read, shots: { ...read.shots, count: fewShot } };
  const documents = await documentsOf(task, task.split, options);
  return {
    task,
    documents,
    items: itemsOf(task, documents, await shotsOf(task, documents, options), selection),
    selection,
  };
}

/** What examples are taken from; null where there are none. */
async function shotsOf(
  task: Task,
  evaluated: Documents,
  options: DocumentsOptions,
): Promise<Documents | null> {
  const { count, split, documents } = task.shots;
  if (count === 0) return null;
  if (split === task.split) return evaluated;
  if (documents !== null) {
    const placed = documents.map((document, i) => ({ document, where: `example ${i}`, config: null }));
    return { documents: placed, sha256: '' };
  }
  if (split !== null) return documentsOf(task, split, options);
  throw new UsageError({
    code: 'no-few-shot-split',
    message: `${task.name} names no split that examples could come from.`,
    hint: 'Leave out --few-shot, or name one in the task file.',
  });
}

/** How a model runs, and its tokenizer. */
export type RunnerSettings = ScoringSettings & Required<Pick<ScoringSettings, 'tokenizer'>>;

/** The runners of a model, each started with the first task that needs it: one that scores, and those that take or draw tokens. */
export class Runners {
  private readonly started = new Map<'scores' | 'takes' | 'draws', ItemRunner>();

  constructor(
    private readonly options: RunnerSettings,
    private readonly settings: AskSettings,
  ) {}

  /** @throws as {@link openScoring}, and {@link GeneratingRunner.start} */
  async of(task: Task): Promise<ItemRunner> {
    const { options, settings } = this;
    const kind = !isGenerated(task) ? 'scores' : task.generation?.draw ? 'draws' : 'takes';
    const known = this.started.get(kind);
    if (known) return known;
    const runner =
      kind === 'scores'
        ? new ScoringRunner(await openScoring(options))
        : await GeneratingRunner.start({ ...settings, ...options }, kind === 'draws');
    this.started.set(kind, runner);
    return runner;
  }

  async close(): Promise<void> {
    for (const runner of this.started.values()) await runner.close();
  }
}

/**
 * Model calls of a task, and the tokens that they read, shared ones once; at most, where `until` may end them sooner. Null where text is
 * generated.
 */
export async function plannedCalls(
  { task, items }: PreparedTask,
  options: RunnerSettings,
  signal: AbortSignal | undefined,
): Promise<{ modelCalls: number; readTokens: number } | null> {
  if (task.output === 'generate_until') return null;
  const session = planScoring(options);
  await new ScoringRunner(session).run(task, items, { signal, found: () => {} });
  const { modelCalls, readTokens } = session;
  return { modelCalls, readTokens };
}
