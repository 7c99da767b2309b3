/** The messages between a session and the worker thread that holds it. */
import type { Feeds } from './feeds.js';
import type { BrokenPromise, PromisedLogits } from './promised-logits.js';
import type { Placement } from './provider.js';

/** The worker data of the thread. */
export interface WorkerTask {
  graph: Uint8Array;
  /** Folder that the graph's external data are relative to; '' if there are none. */
  folder: string;
  provider: Placement;
  threads: number;
  /** See session-options.ts. */
  memoryPattern: boolean;
  spinning?: boolean;
  widensAtEachCall?: boolean;
  integerProducts?: boolean;
  logits?: PromisedLogits;
  /** Float64 [2]: the id of the current call, and when its run of the runtime began, ms since the epoch (infinity between
   *  runs). Written by the worker. */
  progress: SharedArrayBuffer;
}

/** A run of the network, or a method of a state. */
export type WorkerCall = { id: number } & (
  | { feeds: Feeds }
  | { state: number; method: string; argument: unknown }
);

/** The worker's jobs, in order: begin a state, free one, or make a call. Only calls are answered. */
export type WorkerJob = { keep: number; kind: string; init: unknown } | { release: number } | WorkerCall;

export type ToWorker = { kind: 'run'; jobs: WorkerJob[] } | { kind: 'close' };

/** The result of a call: its answer, how often the runtime ran for it, and the seconds of these runs. */
export type Answer = { id: number } & (
  | { value: unknown; runs: number; seconds: number }
  | { failure: string; broken?: BrokenPromise }
);

export type FromWorker =
  | { kind: 'created'; seconds: number }
  | { kind: 'create-failed'; message: string }
  | { kind: 'ran'; answers: Answer[] };

/** Buffers of at least this size are transferred instead of copied: a transfer costs both threads a few microseconds. */
const LARGE_BYTES = 2 ** 16;

/** The large buffers behind the typed arrays of some values, for a transfer list. */
export function largeBuffers(values: readonly unknown[]): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>();
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    if (!ArrayBuffer.isView(value)) {
      for (const inner of Object.values(value)) visit(inner);
    } else if (value.byteLength >= LARGE_BYTES) buffers.add(value.buffer as ArrayBuffer);
  };
  for (const value of values) visit(value);
  return [...buffers];
}

/** The same value with each typed array in a buffer of its own: a view would take its whole buffer along. */
export function withOwnBuffers<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null) return value;
  if (ArrayBuffer.isView(value))
    return value.byteLength === value.buffer.byteLength
      ? value
      : ((value as Value & Float32Array).slice() as Value);
  if (Array.isArray(value)) return value.map(withOwnBuffers) as Value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, withOwnBuffers(inner)]),
  ) as Value;
}
