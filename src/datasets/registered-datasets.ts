/**
 * Names that a user gave to data files, kept in the configuration folder. Each name has its own file, so two processes
 * that register at once cannot lose an entry. An entry records the file's SHA-256, so a file that has changed since is
 * refused rather than measured under the old name.
 */
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { DataError, UsageError } from '../errors.js';
import { writeFileAtomically } from '../storage/atomic-file.js';
import { fileFailure, isMissing } from '../storage/file-failure.js';
import { configFolder } from '../storage/folders.js';
import { parseStrictJson } from '../strict-json.js';

export interface RegisteredDataset {
  name: string;
  /** Absolute; several files are separated by commas, as for `--dataset`. */
  path: string;
  /** SHA-256 of the file on disk; for several files, of the list of theirs. */
  sha256: string;
  textColumn?: string;
  skipNull?: boolean;
}

const CONFIG_ADVICE = 'Set DUO_EVAL_CONFIG to a folder that can be written to.';

/** Valid names. Lower case only, because some file systems ignore case. */
const DATASET_NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/** @returns the entry as stored   @throws UsageError for an invalid name, FileError */
export async function registerDataset(
  entry: RegisteredDataset,
  folder = configFolder(),
): Promise<RegisteredDataset> {
  const path = entryPath(entry.name, folder);
  const kept = { ...entry, path: absolutePaths(entry.path) };
  await writeFileAtomically(path, `${JSON.stringify(kept, null, 2)}\n`, CONFIG_ADVICE);
  return kept;
}

/** Text with commas means several paths, unless a file has that exact name. */
function absolutePaths(path: string): string {
  if (existsSync(path)) return resolve(path);
  return path
    .split(',')
    .map((one) => resolve(one))
    .join(',');
}

/** The entry, or null. @throws DataError when the entry is broken */
export async function registeredDataset(
  name: string,
  folder = configFolder(),
): Promise<RegisteredDataset | null> {
  if (!DATASET_NAME.test(name)) return null;
  const path = entryPath(name, folder);
  let json: Buffer;
  try {
    json = await readFile(path);
  } catch (cause) {
    if (isMissing(cause)) return null;
    throw fileFailure(cause, 'read', path);
  }
  const entry = parseJson(json);
  if (isRegisteredDataset(entry)) return { ...entry, name };
  throw new DataError({
    code: 'broken-registration',
    message: `The registration of data set "${name}" (${path}) is broken.`,
    hint: `Register it again: duo-eval datasets add ${name}=path`,
  });
}

/** All registered names, sorted. @throws FileError */
export async function registeredNames(folder = configFolder()): Promise<string[]> {
  try {
    const files = await readdir(join(folder, 'datasets'));
    return files
      .filter((file) => file.endsWith('.json') && !file.startsWith('.'))
      .map((file) => file.slice(0, -'.json'.length))
      .sort();
  } catch (cause) {
    if (isMissing(cause)) return [];
    throw fileFailure(cause, 'read', folder);
  }
}

/** @throws UsageError */
export function checkDatasetName(name: string): void {
  if (DATASET_NAME.test(name)) return;
  throw new UsageError({
    code: 'invalid-dataset-name',
    message: `"${name}" cannot name a data set.`,
    hint: 'Use lower-case letters, digits, dots, hyphens and underscores, 64 at most.',
  });
}

function entryPath(name: string, folder: string): string {
  checkDatasetName(name);
  return join(folder, 'datasets', `${name}.json`);
}

function isRegisteredDataset(value: unknown): value is RegisteredDataset {
  const { path, sha256, textColumn, skipNull } = (value ?? {}) as Record<string, unknown>;
  return (
    typeof path === 'string' &&
    typeof sha256 === 'string' &&
    /^[0-9a-f]{64}$/.test(sha256) &&
    (textColumn === undefined || typeof textColumn === 'string') &&
    (skipNull === undefined || typeof skipNull === 'boolean')
  );
}

function parseJson(json: Buffer): unknown {
  try {
    return parseStrictJson(json);
  } catch {
    return null;
  }
}
