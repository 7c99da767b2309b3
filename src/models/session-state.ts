/**
 * What a worker keeps from call to call, so that it never crosses a thread: cached keys and values, a latent of K floats a
 * token. A state is a small object beside the session. A call made with it passes through it: it may add to what the
 * runtime is fed, keep of what comes out, ask the runtime more than once, and answers in the session's place.
 *
 * Calls with one state are made in the order they were asked for, so several may wait, each building on the one before.
 * After a call has failed a state is no longer what the caller takes it for: later calls with it fail in the same words.
 */
import type { Feeds } from './feeds.js';

/** Which state to begin, and with what. */
export interface StateSpec {
  /** File that exports `createState`, below the program's own folder: `models/carried-state.js`. */
  module: string;
  /** Given to `createState`; anything that can be sent to another thread. */
  init: unknown;
}

/** One run of the runtime. */
export type Network = (feeds: Feeds) => Promise<Feeds>;

export interface WorkerState {
  /** Answers a call. Its memory is freed when nothing refers to it. */
  call(feeds: Feeds, network: Network): Promise<Feeds>;
}

/** A state as its owner sees it. */
export interface SessionState {
  readonly id: number;
  /** Frees its memory after the calls asked for so far. Safe to call twice. */
  release(): void;
}
