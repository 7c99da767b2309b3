/** Flags that select sequences of a data set. */
import type { Selection } from '../datasets/selected-sequences.js';
import { UsageError } from '../errors.js';

/** @throws UsageError when both are given */
export function selectionOf({ limit, first }: { limit?: number; first?: number }): Selection | undefined {
  if (limit !== undefined && first !== undefined) {
    throw new UsageError({
      code: 'limit-and-first',
      message: '--limit and --first exclude each other.',
      hint: '--limit spreads sequences over the data set, which is the better sample.',
    });
  }
  if (first !== undefined) return { kind: 'first', count: first };
  return limit === undefined ? undefined : { kind: 'spread', count: limit };
}
