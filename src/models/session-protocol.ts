/** The messages between a session and the worker thread that holds it. */
import type { Feeds } from './feeds.js';
import type { Provider } from './provider.js';

/** What the worker is started with. */
export interface WorkerTask {
  graph: Uint8Array;
  /** Folder that external data of the graph are relative to; '' where there are none. */
  folder: string;
  provider: Provider;
  threads: number;
  /** See session-options.ts. */
  memoryPattern: boolean;
  /** Float64 [2]: the id of the call under way and when it began, ms since the epoch. Written by the worker. */
  progress: SharedArrayBuffer;
}

export interface WorkerCall {
  id: number;
  feeds: Feeds;
}

export type ToWorker = { kind: 'run'; calls: WorkerCall[] } | { kind: 'close' };

/** How a call went; seconds are the runtime's. */
export type Answer = { id: number } & ({ outputs: Feeds; seconds: number } | { failure: string });

export type FromWorker =
  | { kind: 'created'; seconds: number }
  | { kind: 'create-failed'; message: string }
  | { kind: 'ran'; answers: Answer[] };

/** Memory worth handing over instead of copying: each buffer handed over costs some microseconds of both threads. */
const LARGE_BYTES = 2 ** 16;

export function largeBuffers(tensors: readonly Feeds[]): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>();
  for (const feeds of tensors) {
    for (const { data } of Object.values(feeds)) {
      if (data.byteLength >= LARGE_BYTES) buffers.add(data.buffer as ArrayBuffer);
    }
  }
  return [...buffers];
}
