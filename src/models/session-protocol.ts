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
}

export type ToWorker = { kind: 'run'; id: number; feeds: Feeds } | { kind: 'close' };

export type FromWorker =
  | { kind: 'created'; seconds: number }
  | { kind: 'create-failed'; message: string }
  | { kind: 'ran'; id: number; outputs: Feeds; seconds: number }
  | { kind: 'run-failed'; id: number; message: string };
