/** Reads a part of a suite back: a results file of perplexities that says which cells it holds. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { FileError } from '../errors.js';
import { fileFailure } from '../storage/file-failure.js';
import { parseResults } from './schema.js';
import type { Part, SuiteFile } from './suite-record.js';

const suite = z.looseObject({
  name: z.string(),
  sha256: z.string(),
  cells: z.int().min(1),
  held: z.array(z.int().nonnegative()),
  unneeded: z.array(z.int().nonnegative()),
});

/** @throws FileError when it is no part of a suite */
export function readPart(path: string): Part {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw fileFailure(cause, 'read', path);
  }
  const file = parseResults(text, path);
  const parsed = suite.safeParse((file as { suite?: unknown }).suite);
  const whole = parsed.success && parsed.data.held.length === file.results.length;
  // As it was written, keys in their order: checking it has put the known ones first.
  if (whole && [...parsed.data.held, ...parsed.data.unneeded].every((index) => index < parsed.data.cells))
    return { path, file: JSON.parse(text) as SuiteFile };
  throw new FileError({
    code: 'no-part',
    message: `${path} is no part of a suite.`,
    hint: 'Give files that duo-eval run --shard i/n --out part.json wrote.',
  });
}
