/**
 * What a judge is asked about texts: their windows, which targets count, and the calls that score them. As in the reference code
 * of The Diffusion Duality, consecutive windows of the judge's context are scored each on its own; in a window, the targets
 * from position 1 on, without the EOS tokens that follow its first EOS.
 */
import { createHash } from 'node:crypto';
import type { ModelCall } from '../perplexity/loss-batch.js';

/** Windows of at most `context` tokens, views of the ids. A last window of one token has no target and is omitted. */
export function judgeWindows(ids: Int32Array, context: number): Int32Array[] {
  const windows: Int32Array[] = [];
  for (let start = 0; start + 1 < ids.length; start += context)
    if (ids.length - start > 1) windows.push(ids.subarray(start, start + context));
  return windows;
}

/**
 * Whether the target at position l ≥ 1 counts: any token but EOS, and the window's first EOS. An EOS at position 0 is
 * the first, although it is not a target.
 * @param eosTokenId the judge's; null: every target counts   @returns [length − 1], for the positions from 1 on
 */
export function countedTargets(window: ArrayLike<number>, eosTokenId: number | null): boolean[] {
  let ended = window[0] === eosTokenId;
  const counted: boolean[] = [];
  for (let l = 1; l < window.length; l++) {
    const isEos = window[l] === eosTokenId;
    counted.push(!isEos || !ended);
    ended ||= isEos;
  }
  return counted;
}

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

/** What identifies a set of texts: SHA-256 of the ids and the length of each. */
export function digestOf(texts: readonly Int32Array[]): string {
  const hash = createHash('sha256');
  for (const ids of texts) {
    hash.update(Int32Array.of(ids.length));
    hash.update(ids);
  }
  return hash.digest('hex');
}
