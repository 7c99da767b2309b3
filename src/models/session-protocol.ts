/** The messages between a session and the worker thread that holds it. */
import type { Feeds } from './feeds.js';
import type { BrokenPromise, PromisedLogits } from './promised-logits.js';
import type { Provider } from './provider.js';
import type { StateSpec } from './session-state.js';

/** What the worker is started with. */
export interface WorkerTask {
  graph: Uint8Array;
  /** Folder that external data of the graph are relative to; '' where there are none. */
  folder: string;
  provider: Provider;
  threads: number;
  /** See session-options.ts. */
  memoryPattern: boolean;
  spinning?: boolean;
  logits?: PromisedLogits;
  /** Float64 [2]: the id of the call under way, and when its run of the runtime began, ms since the epoch (infinity between
   *  runs). Written by the worker. */
  progress: SharedArrayBuffer;
}

export interface WorkerCall {
  id: number;
  feeds: Feeds;
  /** The state the call is made with, where there is one. */
  state?: number;
}

/** What a worker does, in order: begin a state, free one, or make a call, which alone is answered. */
export type WorkerJob = { keep: number; spec: StateSpec } | { release: number } | WorkerCall;

export type ToWorker = { kind: 'run'; jobs: WorkerJob[] } | { kind: 'close' };

/** How a call went: how often the runtime ran for it, and its seconds in all. */
export type Answer = { id: number } & (
  | { outputs: Feeds; runs: number; seconds: number }
  | { failure: string; broken?: BrokenPromise }
);

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
