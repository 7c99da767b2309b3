/**
 * The peak memory of a configuration, measured in a separate process that samples one batch: a process that runs several
 * configurations cannot attribute its memory.
 */

import { fork } from 'node:child_process';
import { compiledFile } from '../../compiled.js';
import type { CheckpointOverrides } from '../../models/checkpoint.js';
import type { DrawSettings } from '../../records/samples-file.js';

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
  provider: 'cpu' | 'webgpu' | 'cuda';
  threads?: number;
}

/** @returns the peak of resident bytes; null when the process ended without an answer */
export function peakMemory(probe: MemoryProbe, signal?: AbortSignal): Promise<number | null> {
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
