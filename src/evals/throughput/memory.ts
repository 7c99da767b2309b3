/**
 * The memory that a configuration needs: of a process of its own that samples one batch and ends, since a process that runs
 * several could not tell whose memory is whose.
 */

import { fork } from 'node:child_process';
import { compiledFile } from '../../compiled.js';
import type { CheckpointOverrides } from '../../models/checkpoint.js';
import type { DrawSettings } from '../../records/samples-file.js';

/** What the process is to do; plain data. */
export interface MemoryProbe extends DrawSettings {
  /** As `--model` takes it. */
  model: string;
  /** What is known of it. */
  overrides: CheckpointOverrides;
  sampler: string;
  samplerOptions: readonly string[];
  steps: number;
  length: number;
  batch: number;
  provider: 'cpu' | 'webgpu' | 'cuda';
  threads?: number;
}

/** @returns bytes resident at most; null when the process ended without an answer */
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
