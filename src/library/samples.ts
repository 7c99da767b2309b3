/** Text from a checkpoint: samples with their texts, one after another, and how they came about. */
import type { Checkpoint } from '../models/checkpoint.js';
import type { Observer } from '../observer.js';
import type { SampleRecord } from '../records/samples-file.js';
import type { OptionValue, Sampler } from '../samplers/sampler.js';
import type { SampleRequest } from '../sampling/sample-request.js';
import type { SampleRun } from '../sampling/sample-run.js';
import { openCheckpoint, type RuntimeSettings, runtimeOf } from './checkpoints.js';

export interface SampleTask extends RuntimeSettings {
  /** A checkpoint, or what {@link openCheckpoint} takes. */
  model: string | Checkpoint;
  /** A name, or the path of a module; by default the first that drives the family. */
  sampler?: string;
  /** By name, or each as `key=value`; defaults for the rest. */
  samplerOptions?: Readonly<Record<string, OptionValue>> | readonly string[];
  /** Steps from noise to text, by default 32; ar takes one per token. */
  steps?: number;
  /** How many; by default 8. */
  samples?: number;
  /** Tokens per sample; by default those of the checkpoint. */
  length?: number;
  /** Samples per model call; changes no sample. */
  batch?: number;
  /** Seed of all randomness: the same seed gives the same samples at any batch size. By default 1. */
  seed?: number;
  /** Temperature of the draws; by default 1. */
  temperature?: number;
  /** Draws from this many of the most probable tokens; by default all. */
  topK?: number;
  /** Draws from the most probable tokens of this total probability; by default all. */
  topP?: number;
  /** Text that each sample begins with. */
  prompt?: string;
  /** Text with `<gap>` or `<gap 12>` where the model writes; in place of `prompt`. */
  infill?: string;
  /** A folder or a tokenizer.json; by default the checkpoint's. */
  tokenizer?: string;
  /** How tokens become text: `duo` (the default) cleans up spaces, `strict` does not. */
  protocol?: 'duo' | 'strict';
  /** Ignores what an interrupted run of the same task finished. */
  fresh?: boolean;
  /** Keeps the tokens of every step, for `records()`. */
  traced?: boolean;
}

/**
 * Samples, which can be iterated once: `for await (const { text } of samples)`. When the loop ends, the model is stopped and the journal is
 * removed. When the loop is left early, the finished samples are kept for the next run of the task.
 */
export interface Samples extends SampleRun, AsyncIterable<SampleRecord> {
  /** The request, with every default filled in. */
  request: SampleRequest;
}

/**
 * Starts the model. Call `close()` if you do not iterate the samples.
 * @throws UsageError, ModelError, DataError for impossible requests, FileError `in-use` where the same task is running; from the
 *   loop NumericalError as well, and the reason of `observer.signal` when it aborts
 */
export async function sample(task: SampleTask, observer: Observer = {}): Promise<Samples> {
  const checkpoint =
    typeof task.model === 'string' ? await openCheckpoint(task.model, {}, observer) : task.model;
  const { prepareSampling, samplingNotice } = await import('../sampling/prepare-sampling.js');
  const { openSampleRun } = await import('../sampling/sample-run.js');
  const { samplerOptions = [] } = task;
  const request = await prepareSampling({
    ...task,
    checkpoint,
    samplerOptions: isList(samplerOptions)
      ? samplerOptions
      : Object.entries(samplerOptions).map(([key, value]) => `${key}=${value}`),
    samples: task.samples ?? 8,
    seed: task.seed ?? 1,
    temperature: task.temperature ?? 1,
    topK: task.topK ?? null,
    topP: task.topP ?? null,
    protocol: task.protocol ?? 'duo',
    fresh: task.fresh ?? false,
    traced: task.traced ?? false,
    ...(await runtimeOf(task)),
  });
  const notice = samplingNotice(request);
  if (notice !== null) observer.note?.(notice);
  const run = await openSampleRun(request, observer);
  return {
    request,
    header: run.header,
    get runSeconds() {
      return run.runSeconds;
    },
    records: () => run.records(),
    close: () => run.close(),
    finish: () => run.finish(),
    async *[Symbol.asyncIterator]() {
      try {
        for await (const { record } of run.records()) yield record;
        await run.finish();
      } finally {
        await run.close();
      }
    },
  };
}

const isList = (options: NonNullable<SampleTask['samplerOptions']>): options is readonly string[] =>
  Array.isArray(options);

/**
 * Adds a sampler: {@link sample} and suites then find it by its name. It runs in this thread, and what it leaves in
 * `run.tokens` is checked after every step.
 * @param options.version of its code: stopped runs continue, and cells of suites are reused, under the same name and version
 *   only. Without one, nothing is continued or reused in another process.
 * @throws UsageError where it is no sampler, or its name is taken
 */
export async function registerSampler(sampler: Sampler, options: { version?: string } = {}): Promise<void> {
  const { registerSampler: register } = await import('../samplers/registry.js');
  register(sampler, options);
}

/** The samplers, registered ones included, in the order in which they are listed. */
export async function listSamplers(): Promise<readonly Sampler[]> {
  const { samplers } = await import('../samplers/registry.js');
  return [...samplers];
}
