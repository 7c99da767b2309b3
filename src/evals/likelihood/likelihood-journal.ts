/**
 * Answers of finished calls are never asked for again: those of each batch are appended to a journal, and a later run of the same command
 * reads them back. Calls come in an order that the items alone decide, so the journal is the answers in this order, and what it
 * holds is a beginning of the work.
 */
import type { CacheKey } from '../../storage/cache-entry.js';
import { NumberColumn } from '../../storage/number-column.js';
import { openWorkJournal } from '../../storage/work-journal.js';

/** Number of the batch's first call, of its calls, and their answers, float64, little-endian, in base64. */
type CallsLine = { i: number; c: number; v: string };
/** An item, and what came out for it. */
type ItemLine<Outcome> = { item: number; outcome: Outcome };

/** @typeParam Outcome of items that are asked for as a whole: plain JSON */
export interface LikelihoodJournal<Outcome> {
  /** Calls finished by earlier runs, from the first without a gap. */
  readonly finished: number;
  /** The next answer of an earlier run, in order. */
  next(): number;
  append(firstCall: number, answers: readonly ArrayLike<number>[]): void;
  /** What earlier runs found for items as a whole, by item. */
  readonly outcomes: ReadonlyMap<number, Outcome>;
  appendOutcome(item: number, outcome: Outcome): void;
  /** Keeps the file for a later run. */
  close(): void;
  /** Removes the file, once the likelihoods are written. */
  finish(): void;
}

/**
 * @param key everything that decides an answer   @param label name of the model, for an error
 * @throws FileError `in-use` when another process works on the same items
 */
export async function openLikelihoodJournal<Outcome>(
  key: CacheKey,
  { label, fresh }: { label: string; fresh: boolean },
): Promise<LikelihoodJournal<Outcome>> {
  const earlier = new NumberColumn();
  let finished = 0;
  const outcomes = new Map<number, Outcome>();
  type Line = CallsLine | ItemLine<Outcome>;
  const keep = (line: Line) => {
    if ('item' in line) {
      outcomes.set(line.item, line.outcome);
      return;
    }
    const { i, c, v } = line;
    // A batch that was finished before an earlier one has no place yet; its calls are made again.
    if (i !== finished) return;
    finished += c;
    const bytes = Buffer.from(v, 'base64');
    for (let at = 0; at < bytes.length; at += 8) earlier.set(earlier.length, bytes.readDoubleLE(at));
  };
  const what = `The likelihoods of ${label}`;
  const journal = await openWorkJournal<Line>(key, { what, fresh, onEntry: keep, kept: earlier });
  let read = 0;
  return {
    finished,
    next: () => earlier.at(read++),
    append(firstCall, answers) {
      const values = answers.flatMap((answer) => Array.from(answer));
      const bytes = Buffer.alloc(8 * values.length);
      for (const [i, value] of values.entries()) bytes.writeDoubleLE(value, 8 * i);
      journal.append({ i: firstCall, c: answers.length, v: bytes.toString('base64') });
    },
    outcomes,
    appendOutcome: (item, outcome) => journal.append({ item, outcome }),
    close: journal.close,
    finish: journal.finish,
  };
}
