/**
 * The peak memory of a configuration, measured in a separate process that samples one batch: a process that runs several
 * configurations cannot attribute its memory.
 */

import { fork } from 'node:child_process';
import { compiledFile } from '../../compiled.js';
import type { Checkpoint, CheckpointOverrides } from '../../models/checkpoint.js';
import type { Placement } from '../../models/provider.js';
import type { Observer } from '../../observer.js';
import type { DrawSettings } from '../../records/samples-file.js';
import type { Configuration } from './configurations.js';

/** The task of the process, as plain data. */
export interface MemoryProbe extends DrawSettings {
  /** As `--model` takes it. */
  model: string;
  /** Overrides of its card. */
  overrides: CheckpointOverrides;
  sampler: string;
  samplerOptions: readonly string[];
  steps: number;
  length: number;
  batch: number;
  provider: Placement;
  threads?: number;
}

/** @returns the peak of resident bytes; null when the process ended without an answer */
function peakMemory(probe: MemoryProbe, signal?: AbortSignal): Promise<number | null> {
  return new Promise((resolve) => {
    const child = fork(compiledFile('evals/throughput/memory-probe.js'), {
      execArgv: [],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    let bytes: number | null = null;
    const stop = () => void child.kill('SIGKILL');
    signal?.addEventListener('abort', stop, { once: true });
    child.on('message', (message) => {
      bytes = message as number;
    });
    child.on('error', () => resolve(null));
    child.on('exit', () => {
      signal?.removeEventListener('abort', stop);
      resolve(bytes);
    });
    child.send(probe);
  });
}

/** Of a configuration; null, with a warning, when the process failed. */
export async function memoryOf(
  { name, modelSpec, samplerOptions, request }: Configuration,
  observer: Observer,
): Promise<number | null> {
  const bytes = await peakMemory(
    {
      model: modelSpec,
      overrides: overridesOf(request.checkpoint),
      sampler: request.sampler.module?.path ?? request.sampler.sampler.name,
      samplerOptions,
      steps: request.steps,
      length: request.length,
      batch: request.batch,
      temperature: request.temperature,
      topK: request.topK,
      topP: request.topP,
      provider: request.provider,
      threads: request.threads,
    },
    observer.signal,
  );
  observer.signal?.throwIfAborted();
  if (bytes === null)
    observer.warn?.(`${name}: its memory could not be measured; the process for it failed.`);
  return bytes;
}

/** The settings that determine the samples, from every source. */
function overridesOf({ family, vocabSize, fields }: Checkpoint): CheckpointOverrides {
  const { maskTokenId, bosTokenId, eosTokenId, schedule, tokenizer } = fields;
  return {
    family,
    vocabSize,
    maskTokenId: maskTokenId.value ?? undefined,
    bosTokenId: bosTokenId.value ?? undefined,
    eosTokenId: eosTokenId.value ?? undefined,
    schedule: schedule.value ?? undefined,
    tokenizer: tokenizer.value ?? undefined,
  };
}
