/** Reads a part of a suite back: a results file of perplexities that says which cells it holds. */
import { z } from 'zod';
import { FileError } from '../../errors.js';
import { readResultsJson } from '../../records/results-json.js';
import { checkedResults } from '../../records/schema.js';
import type { Part, SuiteFile } from './part-record.js';

const suite = z.looseObject({
  name: z.string(),
  sha256: z.string(),
  cells: z.int().min(1),
  held: z.array(z.int().nonnegative()),
  unneeded: z.array(z.int().nonnegative()),
});

/** @throws FileError when it is no part of a suite */
export function readPart(path: string): Part {
  const value = readResultsJson(path);
  const file = checkedResults(value, path);
  const parsed = suite.safeParse((file as { suite?: unknown }).suite);
  const whole = parsed.success && parsed.data.held.length === file.results.length;
  // As it was written, keys in their order: checking it has put the known ones first.
  if (whole && [...parsed.data.held, ...parsed.data.unneeded].every((index) => index < parsed.data.cells))
    return { path, file: value as SuiteFile };
  throw new FileError({
    code: 'no-part',
    message: `${path} is no part of a suite.`,
    hint: 'Give files that duo-eval run --shard i/n --out part.json wrote.',
  });
}
