/** Windows as model calls of a judge, and the digest that identifies a set of texts. */
import { createHash } from 'node:crypto';
import type { ModelCall } from '../perplexity/loss-batch.js';

export interface JudgedWindow {
  /** Index of its text. */
  text: number;
  /** Token ids. */
  window: Int32Array;
}

/** Calls of windows of equal length, longest first, so that a lack of memory shows at once. */
export function* judgeCalls(windows: readonly JudgedWindow[], batch: number): Generator<ModelCall[]> {
  const order = [...windows.keys()].sort(
    (a, b) => windows[b].window.length - windows[a].window.length || a - b,
  );
  let calls: ModelCall[] = [];
  for (const sequence of order) {
    const x = windows[sequence].window;
    if (calls.length === batch || (calls.length > 0 && calls[0].x.length !== x.length)) {
      yield calls;
      calls = [];
    }
    calls.push({ sequence, draw: 0, x, level: null, byToken: true });
  }
  if (calls.length > 0) yield calls;
}

/** Tokens of the longest text, at least 1. */
export function longest(texts: readonly Int32Array[]): number {
  return texts.reduce((most, ids) => Math.max(most, ids.length), 1);
}

/** SHA-256 of the ids and the length of each text. */
export function digestOf(texts: readonly Int32Array[]): string {
  const hash = createHash('sha256');
  for (const ids of texts) {
    hash.update(Int32Array.of(ids.length));
    hash.update(ids);
  }
  return hash.digest('hex');
}
