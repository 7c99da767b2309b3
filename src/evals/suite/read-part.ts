/** Reads a part of a suite back: a results file of perplexities that says which cells it holds. */
import { z } from 'zod';
import { FileError } from '../../errors.js';
import { readResults } from '../../records/results-file.js';
import { EVALUATIONS } from '../registry.js';
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
  const file: object & { suite?: unknown; results: unknown[] } = readResults(path, EVALUATIONS);
  const parsed = suite.safeParse(file.suite);
  const whole = parsed.success && parsed.data.held.length === file.results.length;
  if (whole && [...parsed.data.held, ...parsed.data.unneeded].every((index) => index < parsed.data.cells))
    return { path, file: file as SuiteFile };
  throw new FileError({
    code: 'no-part',
    message: `${path} is no part of a suite.`,
    hint: 'Give files that duo-eval run --shard i/n --out part.json wrote.',
  });
}
