/**
 * The one way in which a results file becomes a value: a regular file of a size that can be held, JSON in UTF-8 without
 * exception, of this version. What the value must hold is its reader's affair (schema.ts, rows.ts, read-part.ts).
 */
import type { z } from 'zod';
import { FileError } from '../errors.js';
import { reasonOf } from '../storage/file-failure.js';
import { gitLfsPointer, isGitLfsPointer, readSmallFile, UnfitFile } from '../storage/small-file.js';
import { parseStrictJson } from '../strict-json.js';
import { SCHEMA_VERSION } from './record.js';

/** Bytes of a file: some 10 million sequences. */
const MOST_BYTES = 2 ** 28;
/** Keys of one object, and rows of a file: what is compared with what grows faster than they do. */
const MOST_KEYS = 1000;
const MOST_ROWS = 10_000;

/** @throws FileError when the file cannot be read, or is no results file of this version */
export function readResultsJson(path: string): unknown {
  let bytes: Buffer;
  try {
    bytes = readSmallFile(path, MOST_BYTES);
    if (isGitLfsPointer(bytes)) throw gitLfsPointer(path);
  } catch (cause) {
    const why = cause instanceof UnfitFile ? cause.why : reasonOf((cause as FileError).cause);
    throw refusal('results-unreadable', `${path} cannot be read: ${why}.`, cause);
  }
  return parseResultsJson(bytes, path);
}

/** @param name what errors call the content   @throws FileError when it is no results file of this version */
export function parseResultsJson(content: Uint8Array | string, name: string): unknown {
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

/** @param inside where the checked value is in the file: `['results', 3]`   @param of what the row calls itself */
export function invalidResults(
  name: string,
  [{ code, path, message, ...issue }]: readonly z.core.$ZodIssue[],
  inside: readonly PropertyKey[] = [],
): FileError {
  const place = [...inside, ...path].map(String).join('.');
  const isMissing = code === 'invalid_type' && /received undefined$/.test(message);
  const told = isMissing ? 'it is missing' : message.replace(/\.$/, '');
  return refusal('results-invalid', `${name} is not a valid results file: ${place}: ${told}.`, issue);
}

export function refusal(code: string, message: string, cause?: unknown): FileError {
  return new FileError({
    code,
    message,
    hint: 'Give a file that duo-eval wrote with --out results.json.',
    cause,
  });
}
