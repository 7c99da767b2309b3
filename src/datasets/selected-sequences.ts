/**
 * Some of a data set's sequences: all, n spread evenly over it, or the first n.
 *
 * `spread` is a systematic sample (Cochran, Sampling Techniques, ch. 8): positions ⌊(u + i)·N/n⌋, i = 0 … n − 1, with u in [0, 1)
 * from the stream's sha256. It follows from the text alone, so runs of other models, seeds and machines see the same
 * sequences. The first n are what lies in the first documents, and no sample of the data set.
 */
import type { PackedStream } from './packed-stream.js';

export interface Selection {
  kind: 'spread' | 'first';
  /** n; all sequences where there are no more. */
  count: number;
}

/** A stream of those sequences, numbered from 0; what else it says (sha256, tokens, counts of ids) is of the whole. */
export interface SelectedStream extends PackedStream {
  /** Sequences of the whole stream. */
  readonly whole: number;
  /** Null where all sequences are taken. */
  readonly selection: Selection | null;
  /** Place in the whole stream of sequence i. */
  indexOf(i: number): number;
}

/** The stream itself stays open: the caller closes it. @param selection null takes all */
export function selectedSequences(stream: PackedStream, selection: Selection | null): SelectedStream {
  const whole = stream.sequences;
  const chosen = selection !== null && selection.count < whole ? selection : null;
  const sequences = chosen?.count ?? whole;
  const offset = chosen?.kind === 'spread' ? offsetOf(stream.sha256) : 0;
  const step = chosen?.kind === 'spread' ? whole / sequences : 1;
  // Rounding must not reach N: u < 1, and i + u < n only up to the last place.
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
