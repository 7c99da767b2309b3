/**
 * Finished samples are never drawn again: each batch is appended to a journal, and a later run of the same command draws only
 * what is missing. The journal's name is a hash of everything that decides a sample. The number of samples and the batch size are not
 * part of it, because a sample depends on its number alone.
 */
import type { CacheKey } from '../storage/cache-entry.js';
import { openWorkJournal, readWorkJournal, type WorkParts, type WorkRange } from '../storage/work-journal.js';
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
  /** Samples of earlier runs, by their numbers. */
  readonly finished: ReadonlyMap<number, FinishedSample>;
  append(batch: readonly FinishedSample[]): void;
  /** Keeps the file for a later run. */
  close(): void;
  /** The samples are written to their files: the next run starts from sample 0. */
  finish(): void;
}

/**
 * @param key everything that decides a sample   @param label name of the model, for an error   @param fresh ignore samples of
 * earlier runs   @param parts the samples that this process makes, while others make others   @throws FileError `in-use` when another process makes the same samples
 */
export async function openSampleJournal(
  key: CacheKey,
  { label, fresh, parts }: { label: string; fresh: boolean; parts?: WorkParts },
): Promise<SampleJournal> {
  const finished = new Map<number, FinishedSample>();
  const range = parts?.range;
  const journal = await openWorkJournal<Line>(key, {
    what: `Sampling ${label}${range ? `, samples ${range.from} to ${range.to - 1}` : ''}`,
    fresh,
    parts,
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

/** Of each range of samples whether all runs together have made it. */
export function areSamplesKept(
  key: CacheKey,
  { for: joined, ranges }: { for: CacheKey; ranges: readonly WorkRange[] },
): boolean[] {
  const kept = new Set<number>();
  const note = ({ i, t }: Line) => {
    for (const b of t.keys()) kept.add(i + b);
  };
  readWorkJournal<Line>(key, note, { for: joined, ranges });
  return ranges.map((range) => isAllIn(kept, range));
}

/** Whether a set has all numbers of a range. */
export function isAllIn(numbers: ReadonlySet<number>, { from, to }: WorkRange): boolean {
  for (let number = from; number < to; number++) if (!numbers.has(number)) return false;
  return true;
}

/** Of a sample that was made twice, the first counts: a judge may have read it. */
function keep(finished: Map<number, FinishedSample>, { i, t, n, s, h }: Line): void {
  for (const [b, tokens] of t.entries()) {
    const sample = i + b;
    if (finished.has(sample)) continue;
    finished.set(sample, {
      sample,
      tokens: intsOfBase64(tokens),
      nfe: n[b],
      seconds: s,
      trace: h ? traceOf(sample, h[b]) : null,
    });
  }
}
