/**
 * Reads a results file back: a regular file of limited size, valid UTF-8 and JSON, of this version, whose rows match the schemas of
 * their evaluations. Unknown keys are kept; another `schemaVersion` is refused, because its numbers may have another meaning.
 */
import { z } from 'zod';
import { FileError } from '../errors.js';
import { reasonOf } from '../storage/file-failure.js';
import { gitLfsPointer, isGitLfsPointer, readSmallFile, UnfitFile } from '../storage/small-file.js';
import { parseStrictJson } from '../strict-json.js';
import type { Evaluations } from './evaluation.js';
import { part } from './figures.js';
import { plausibleFigure } from './plausible.js';
import { anyResult, comparisonRecord, type ResultsFile, SCHEMA_VERSION } from './record.js';

/** Maximum bytes of a file: about 10 million sequences. */
const MOST_BYTES = 2 ** 28;
/** Maximum keys per object and rows per file: the work of comparing them grows faster than their number. */
const MOST_KEYS = 1000;
const MOST_ROWS = 10_000;

/** What a results file of these evaluations holds. */
function resultsSchema({ all }: Evaluations) {
  const rows = all.map(({ record }) => record) as unknown as Parameters<typeof z.discriminatedUnion>[1];
  return part({
    schemaVersion: z.literal(SCHEMA_VERSION),
    results: z.array(z.discriminatedUnion('eval', rows)),
    comparisons: z.array(comparisonRecord),
  }).describe('A results file of duo-eval. Unknown is null, never 0.');
}

/** What every results file of this version holds, whatever its evaluations. */
const rowsSchema = part({
  schemaVersion: z.literal(SCHEMA_VERSION),
  results: z.array(anyResult),
  comparisons: z.array(comparisonRecord).optional(),
});

/** The schema in JSON Schema (draft 2020-12), as shipped in schema/. */
export function resultsJsonSchema(evaluations: Evaluations): Record<string, unknown> {
  const { $schema, ...rest } = z.toJSONSchema(resultsSchema(evaluations), { io: 'input' });
  return { $schema, title: 'duo-eval results, version 1', ...rest };
}

export interface ReadOptions {
  /** Takes results of unknown evaluations, such as those of a later version, if they have the parts that every result has. */
  allowUnknown?: boolean;
}

/** @throws FileError when the file cannot be read, or is not a results file of this version and these evaluations */
export function readResults(path: string, evaluations: Evaluations, options?: ReadOptions): ResultsFile {
  let bytes: Buffer;
  try {
    bytes = readSmallFile(path, MOST_BYTES);
    if (isGitLfsPointer(bytes)) throw gitLfsPointer(path);
  } catch (cause) {
    const why = cause instanceof UnfitFile ? cause.why : reasonOf((cause as FileError).cause);
    throw refusal('results-unreadable', `${path} cannot be read: ${why}.`, cause);
  }
  return parseResults(bytes, path, evaluations, options);
}

/**
 * @param name what errors call the content
 * @returns the value itself, keys in the order of the file
 * @throws FileError as {@link readResults}, naming the place of what is wrong
 */
export function parseResults(
  content: Uint8Array | string,
  name: string,
  evaluations: Evaluations,
  { allowUnknown = false }: ReadOptions = {},
): ResultsFile {
  const value = parseVersion(content, name);
  if (allowUnknown) return checkRows(value, name, evaluations);
  const parsed = resultsSchema(evaluations).safeParse(value);
  if (!parsed.success) throw invalid(name, parsed.error.issues);
  return value as ResultsFile;
}

/** Rows of a known evaluation must match its schema; all others, the parts that every row has. */
function checkRows(value: unknown, name: string, evaluations: Evaluations): ResultsFile {
  const parsed = rowsSchema.safeParse(value);
  if (!parsed.success) throw invalid(name, parsed.error.issues);
  const file = value as ResultsFile;
  for (const [place, row] of file.results.entries()) {
    const checked = (evaluations.of(row.eval)?.record ?? unknownRow(evaluations)).safeParse(row);
    if (!checked.success) throw invalid(name, checked.error.issues, ['results', place]);
  }
  return { ...file, comparisons: file.comparisons ?? [] };
}

/** A row of an unknown evaluation: figures of a known name must be in their range. */
function unknownRow(evaluations: Evaluations) {
  return anyResult.superRefine(({ eval: evaluation, metrics }, context) => {
    for (const [name, one] of Object.entries(metrics))
      if (one)
        plausibleFigure(evaluations.figure(evaluation, name)?.range, { at: ['metrics', name] })(one, context);
  });
}

/** JSON of this version, its rows unchecked. */
function parseVersion(content: Uint8Array | string, name: string): unknown {
  let value: unknown;
  try {
    value = parseStrictJson(content, { mostKeys: MOST_KEYS });
  } catch (cause) {
    throw refusal(
      'results-not-json',
      `${name} is not JSON that can be used: ${(cause as Error).message}.`,
      cause,
    );
  }
  const { schemaVersion: version, results } = (value ?? {}) as { schemaVersion?: unknown; results?: unknown };
  if (version !== SCHEMA_VERSION) {
    throw refusal(
      'results-version',
      version === undefined
        ? `${name} has no schemaVersion, so it is not a results file.`
        : `${name} is of schemaVersion ${JSON.stringify(version).slice(0, 20)}; this duo-eval reads ${SCHEMA_VERSION}.`,
    );
  }
  if (Array.isArray(results) && results.length > MOST_ROWS)
    throw refusal('results-too-many', `${name} holds ${results.length} results, and may hold ${MOST_ROWS}.`);
  return value;
}

/** @param inside where the checked value is in the file: `['results', 3]` */
function invalid(
  name: string,
  [{ code, path, message, ...issue }]: readonly z.core.$ZodIssue[],
  inside: readonly PropertyKey[] = [],
): FileError {
  const place = [...inside, ...path].map(String).join('.');
  const isMissing = code === 'invalid_type' && /received undefined$/.test(message);
  const reason = isMissing ? 'it is missing' : message.replace(/\.$/, '');
  return refusal('results-invalid', `${name} is not a valid results file: ${place}: ${reason}.`, issue);
}

export function refusal(code: string, message: string, cause?: unknown): FileError {
  return new FileError({
    code,
    message,
    hint: 'Give a file that duo-eval wrote with --out results.json.',
    cause,
  });
}
