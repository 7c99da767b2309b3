/**
 * Matches the rows of one file with those of another. Rows of the same evaluation and data set match if their models have
 * the same name, or if each file has only one model there; of several, the row with the same protocol matches, then the one
 * with the same seed.
 */
import { UsageError } from '../errors.js';
import { fieldOf, type ResultRow } from '../records/evaluation.js';
import { fieldsThatDiffer, nameOf } from './comparability.js';

export interface MatchedRows {
  pairs: { a: ResultRow; b: ResultRow }[];
  /** Rows without a match. */
  aloneInA: ResultRow[];
  aloneInB: ResultRow[];
}

/** @throws UsageError when several rows match one */
export function matchRows(a: readonly ResultRow[], b: readonly ResultRow[]): MatchedRows {
  const pairs: MatchedRows['pairs'] = [];
  const aloneInA: ResultRow[] = [];
  for (const row of a) {
    const answer = rowFor(row, a, b);
    if (answer) pairs.push({ a: row, b: answer });
    else aloneInA.push(row);
  }
  const taken = new Set(pairs.map((pair) => pair.b));
  return { pairs, aloneInA, aloneInB: b.filter((row) => !taken.has(row)) };
}

/**
 * The row of `others` that matches `row`, one of `own`; null if there is none.
 * @throws UsageError when there are several
 */
export function rowFor(
  row: ResultRow,
  own: readonly ResultRow[],
  others: readonly ResultRow[],
): ResultRow | null {
  const place = (one: ResultRow) => one.eval === row.eval && one.dataset === row.dataset;
  const there = others.filter(place);
  const models = (rows: readonly ResultRow[]) => new Set(rows.map(({ model }) => model)).size;
  const single = models(there) === 1 && models(own.filter(place)) === 1;
  let candidates = single ? there : there.filter(({ model }) => model === row.model);
  const narrow = (keep: (one: ResultRow) => boolean) => {
    if (candidates.length < 2) return;
    const kept = candidates.filter(keep);
    if (kept.length > 0) candidates = kept;
  };
  narrow((one) => fieldsThatDiffer(row, one).length === 0);
  narrow((one) => fieldOf(one, 'protocol.seed') === fieldOf(row, 'protocol.seed'));
  for (const field of ['samples.seed', 'samples.temperature', 'samples.name', 'protocol.draws'])
    narrow((one) => fieldOf(one, field) === fieldOf(row, field));
  for (const field of ['samples.sampler.options', 'sampler.options'])
    narrow((one) => JSON.stringify(fieldOf(one, field)) === JSON.stringify(fieldOf(row, field)));
  if (candidates.length < 2) return candidates[0] ?? null;
  throw new UsageError({
    code: 'ambiguous-rows',
    message: `${nameOf(row)} may be compared with ${candidates.length} rows of ${candidates[0].file}.`,
    hint: 'Give files in which a model is evaluated once on a data set, or under names that differ.',
  });
}
