/**
 * Finished samples are never drawn again: each batch is appended to a journal, and a later run of the same command continues
 * after it. The journal's name is a hash of everything that decides a sample. The number of samples and the batch size are not
 * part of it, because samples always come in the order of their numbers.
 */
import type { CacheKey } from '../storage/cache-entry.js';
import { openWorkJournal } from '../storage/work-journal.js';
import type { GeneratedSample } from './generation-plan.js';
import {
  base64OfInts,
  intsOfBase64,
  type SampleTrace,
  traceOf,
  type WrittenTrace,
  writtenTrace,
} from './trace.js';

/** A finished sample, with its trace if that is kept. */
export interface FinishedSample extends GeneratedSample {
  trace: SampleTrace | null;
}

/** One batch: number of its first sample, tokens and calls of each, seconds per sample, and traces if they are kept. */
interface Line {
  i: number;
  t: string[];
  n: number[];
  s: number;
  h?: WrittenTrace[];
}

export interface SampleJournal {
  /** Samples of earlier runs, from sample 0 without a gap. */
  readonly finished: readonly FinishedSample[];
  append(batch: readonly FinishedSample[]): void;
  /** Keeps the file for a later run. */
  close(): void;
  /** The samples are written to their files: the next run starts from sample 0. */
  finish(): void;
}

/**
 * @param key everything that decides a sample   @param label name of the model, for an error   @param fresh ignore samples of
 * earlier runs   @throws FileError `in-use` when another process makes the same samples
 */
export async function openSampleJournal(
  key: CacheKey,
  { label, fresh }: { label: string; fresh: boolean },
): Promise<SampleJournal> {
  const finished: FinishedSample[] = [];
  const journal = await openWorkJournal<Line>(key, {
    what: `Sampling ${label}`,
    fresh,
    onEntry: (line) => keep(finished, line),
  });
  return {
    ...journal,
    finished,
    append(batch) {
      journal.append({
        i: batch[0].sample,
        t: batch.map(({ tokens }) => base64OfInts(tokens)),
        n: batch.map(({ nfe }) => nfe),
        s: batch[0].seconds,
        ...(batch[0].trace && { h: batch.map(({ trace }) => writtenTrace(trace!)) }), // all have one, or none
      });
    },
  };
}

function keep(finished: FinishedSample[], { i, t, n, s, h }: Line): void {
  for (const [b, tokens] of t.entries()) {
    if (i + b !== finished.length) continue;
    finished.push({
      sample: i + b,
      tokens: intsOfBase64(tokens),
      nfe: n[b],
      seconds: s,
      trace: h ? traceOf(i + b, h[b]) : null,
    });
  }
}
