/**
 * Samples that are finished are never drawn again: each batch is appended to a journal, whose name is the hash of all that
 * decides a sample, and a later run of the same command begins where it ends. How many samples are asked for is no part of
 * it, nor is the batch: samples come in the order of their numbers, whichever way.
 */

import { type CacheKey, cacheEntryPath } from '../storage/cache-entry.js';
import { type Journal, openJournal } from '../storage/journal.js';
import { acquireLock } from '../storage/lock.js';
import type { GeneratedSample } from './generate.js';
import {
  base64OfInts,
  intsOfBase64,
  type SampleTrace,
  traceOf,
  type WrittenTrace,
  writtenTrace,
} from './trace.js';

/** A finished sample, with its way where that is kept. */
export interface FinishedSample extends GeneratedSample {
  trace: SampleTrace | null;
}

/** One batch: number of its first sample, tokens and calls of each, seconds of one, and traces where they are kept. */
interface Line {
  i: number;
  t: string[];
  n: number[];
  s: number;
  h?: WrittenTrace[];
}

export interface SampleJournal {
  /** Of earlier runs, from sample 0 on without a gap. */
  readonly finished: readonly FinishedSample[];
  append(batch: readonly FinishedSample[]): void;
  /** Keeps the file for a later run. */
  close(): void;
  /** The samples are where they belong: the next run starts anew. */
  finish(): void;
}

/**
 * @param key all that decides a sample   @param label what the samples are of, for an error   @param fresh ignore what an
 * earlier run left   @throws FileError `in-use` when another process makes the same samples
 */
export function openSampleJournal(
  key: CacheKey,
  { label, fresh }: { label: string; fresh: boolean },
): SampleJournal {
  const path = cacheEntryPath('journals', key, '.jsonl');
  const lock = acquireLock(path, `Sampling ${label}`);
  const finished: FinishedSample[] = [];
  let journal: Journal<Line>;
  try {
    journal = openJournal<Line>(
      path,
      { key: JSON.stringify(key) },
      { fresh, onEntry: (line) => keep(finished, line) },
    );
  } catch (error) {
    lock.release();
    throw error;
  }
  return {
    finished,
    append(batch) {
      journal.append({
        i: batch[0].sample,
        t: batch.map(({ tokens }) => base64OfInts(tokens)),
        n: batch.map(({ nfe }) => nfe),
        s: batch[0].seconds,
        ...(batch[0].trace && { h: batch.map(({ trace }) => writtenTrace(trace!)) }),
      });
    },
    close() {
      journal.close();
      lock.release();
    },
    finish() {
      journal.finish();
      lock.release();
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
