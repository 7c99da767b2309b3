/**
 * Selects sequences of a data set: all, n spread evenly over it, or the first n.
 *
 * `spread` is a systematic sample (Cochran, Sampling Techniques, ch. 8): positions ⌊(u + i)·N/n⌋, i = 0 … n − 1, with u in [0, 1)
 * from the stream's sha256. It depends on the text alone, so all models, seeds and machines see the same
 * sequences. The first n come from the first documents, and are not a sample of the data set.
 */
import type { PackedStream } from './packed-stream.js';

export interface Selection {
  kind: 'spread' | 'first';
  /** n; all sequences if there are no more than n. */
  count: number;
}

/** A stream of the selected sequences, numbered from 0; its other fields (sha256, tokens, unigram counts) describe the whole. */
export interface SelectedStream extends PackedStream {
  /** Sequences of the whole stream. */
  readonly whole: number;
  /** Null if all sequences are selected. */
  readonly selection: Selection | null;
  /** Index of sequence i in the whole stream. */
  indexOf(i: number): number;
}

/** The caller closes the stream. @param selection null selects all */
export function selectedSequences(stream: PackedStream, selection: Selection | null): SelectedStream {
  const whole = stream.sequences;
  const chosen = selection !== null && selection.count < whole ? selection : null;
  const sequences = chosen?.count ?? whole;
  const offset = chosen?.kind === 'spread' ? offsetOf(stream.sha256) : 0;
  const step = chosen?.kind === 'spread' ? whole / sequences : 1;
  // Rounding must not reach N: u < 1, but i + u may round up to n.
  const indexOf = (i: number) => Math.min(whole - 1, Math.floor((offset + i) * step));
  return {
    ...stream,
    sequences,
    whole,
    selection: chosen,
    indexOf,
    lengthOf: (i) => stream.lengthOf(indexOf(i)),
    textBytes: (i) => stream.textBytes(indexOf(i)),
    documentOf: (i) => stream.documentOf(indexOf(i)),
    sequence: (i) => stream.sequence(indexOf(i)),
  };
}

/** u in [0, 1): the first 48 bits of the hash. */
function offsetOf(sha256: string): number {
  return Number.parseInt(sha256.slice(0, 12), 16) / 2 ** 48;
}
