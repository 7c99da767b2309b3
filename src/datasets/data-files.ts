/**
 * Which files a path means: one file; several, separated by commas; the data files of a folder; or the matches of a pattern
 * (`test-*.parquet`). Several files are one data set, in the order of their names. Files of a folder or a pattern must belong
 * together: a mix of two splits is not a data set, and neither is a split with parts missing.
 */
import { readdir, stat } from 'node:fs/promises';
import { basename, isAbsolute, join, resolve, sep } from 'node:path';
import { DataError, FileError } from '../errors.js';
import { fileFailure, isMissing, systemCodeOf } from '../storage/file-failure.js';
import { BUDGET } from './budget.js';
import { DATA_ENDINGS, endingOf, KNOWN_ENDINGS } from './file-texts.js';

const WILDCARD = /[*?[\]{}]/;

/** Whether the text can only be a path. */
export function looksLikePath(text: string): boolean {
  return /[\\/,]/.test(text) || WILDCARD.test(text) || DATA_ENDINGS.includes(endingOf(text));
}

/** @returns at least one path; each exists, but may not be a regular file   @throws DataError, FileError */
export async function dataFilesAt(path: string): Promise<string[]> {
  const found = await kindOf(path);
  if (found === 'folder') return checkedParts(path, await filesInFolder(path));
  if (found !== 'nothing') return [path];
  if (path.includes(',')) return inOrder((await Promise.all(path.split(',').map(filesOfItem))).flat());
  if (WILDCARD.test(path)) return checkedParts(path, await filesMatching(path));
  throw noSuchFile(path);
}

/** The name of a data set that is given only as a path. */
export function nameOfFiles(path: string): string {
  const names = path.split(',').map((one) => nameOfFile(one));
  if (names.length === 1) return names[0];
  let shared = names[0];
  while (!names.every((name) => name.startsWith(shared))) shared = shared.slice(0, -1);
  return shared.replace(/[-_.\d]+$/, '') || names[0];
}

/** The file's name without folder and endings; for a pattern, its part before the first wildcard. */
function nameOfFile(path: string): string {
  const name = basename(resolve(path)).replace(/\.gz$/i, '');
  const plain = WILDCARD.test(name) ? name.split(WILDCARD)[0].replace(/[-_.]+$/, '') : null;
  if (plain === '') return nameOfFile(join(path, '..'));
  return plain ?? (name.replace(/\.[^.]+$/, '') || name);
}

/** Files of one item of a comma-separated list: a file or a pattern. */
async function filesOfItem(path: string): Promise<string[]> {
  if ((await kindOf(path)) !== 'nothing') return [path];
  if (WILDCARD.test(path)) return filesMatching(path);
  throw noSuchFile(path);
}

async function filesInFolder(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((cause) => {
    throw fileFailure(cause, 'read', folder);
  });
  const files: string[] = [];
  for (const name of names) {
    if (/^[._]/.test(name) || !DATA_ENDINGS.includes(endingOf(name))) continue;
    const path = join(folder, name);
    if ((await kindOf(path)) !== 'folder') files.push(path);
  }
  if (files.length > 0) return files;
  throw new DataError({
    code: 'no-data-files',
    message: `The folder ${folder} holds no data file.`,
    hint: `Known endings: ${KNOWN_ENDINGS}. Folders inside it are not looked into: give them, or a pattern in quotes.`,
  });
}

async function filesMatching(pattern: string): Promise<string[]> {
  const { glob } = await import('tinyglobby');
  const options = { expandDirectories: false, absolute: isAbsolute(pattern) };
  const files = await glob(sep === '\\' ? pattern.replaceAll(sep, '/') : pattern, options);
  const unreadable = files.find((file) => file.includes('\ufffd'));
  if (unreadable !== undefined) throw unreadableName(unreadable);
  if (files.length > 0) return files;
  throw new FileError({
    code: 'no-such-file',
    message: `No data file matches ${pattern}.`,
    hint: 'Check the pattern; put it in quotes, so that the shell leaves it alone.',
  });
}

/** Sorted by name. @throws DataError for a file that is given twice, or too many files */
function inOrder(files: readonly string[]): string[] {
  const sorted = [...files].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const twice = sorted.find((file, i) => i > 0 && resolve(file) === resolve(sorted[i - 1]));
  if (twice !== undefined) {
    throw new DataError({
      code: 'part-given-twice',
      message: `The data file ${twice} is given twice.`,
      hint: 'Name each part of a data set once.',
    });
  }
  if (sorted.length <= BUDGET.parts) return sorted;
  throw new DataError({
    code: 'data-too-large',
    message: `A data set of ${sorted.length} files is more than the ${BUDGET.parts} that it may have.`,
    hint: 'Join them into fewer, larger files.',
  });
}

/** Sorts files found in one place. @throws DataError when they are not the parts of one split */
function checkedParts(place: string, files: readonly string[]): string[] {
  const sorted = inOrder(files);
  const splits = [...new Set(sorted.map(splitOf).filter((split) => split !== null))];
  if (splits.length > 1) {
    // Two splits were found, so some file names one.
    const first = sorted.find((file) => splitOf(file) !== null)!;
    throw new DataError({
      code: 'several-splits',
      message: `${place} holds files of several splits: ${splits.join(', ')}.`,
      hint: `Give those of one, as a pattern in quotes: '${join(first, '..', `*${splits[0]}*`)}'.`,
    });
  }
  const endings = [...new Set(sorted.map(endingOf))];
  if (endings.length > 1) {
    throw new DataError({
      code: 'several-forms',
      message: `${place} holds files of several forms: ${endings.join(', ')}.`,
      hint: `Give those of one, as a pattern in quotes: '${join(sorted[0], '..', `*${endings[0]}`)}'.`,
    });
  }
  checkComplete(place, sorted);
  return sorted;
}

/** The split that a file's name indicates: `test` of `test-00000-of-00002.parquet`. */
function splitOf(file: string): string | null {
  const word = /(?:^|[-_.])(train|test|valid|validation|val|dev|eval|evaluation)(?=$|[-_.])/i.exec(
    basename(file),
  )?.[1];
  return word?.toLowerCase().replace(/^val(id)?$/, 'validation') ?? null;
}

/** @throws DataError when a part of a numbered set, `name-00000-of-00002`, is missing */
function checkComplete(place: string, files: readonly string[]): void {
  const there = new Map<string, Set<number>>();
  for (const file of files) {
    const [, start, number, count] = /^(.*)-(\d+)-of-(\d+)\b/.exec(basename(file)) ?? [];
    if (count === undefined) continue;
    const whole = `${start}-*-of-${count}`;
    there.set(whole, (there.get(whole) ?? new Set()).add(Number(number)));
  }
  for (const [whole, numbers] of there) {
    const count = Number(/\d+$/.exec(whole)![0]); // the keys end in the count
    if (numbers.size === count) continue;
    throw new DataError({
      code: 'parts-missing',
      message: `${place} holds ${numbers.size} of the ${count} parts ${whole}.`,
      hint: 'Download the others. To take just these, name them one by one, with commas between.',
    });
  }
}

/** @throws FileError for a path that exists but cannot be examined */
async function kindOf(path: string): Promise<'folder' | 'something' | 'nothing'> {
  try {
    return (await stat(path)).isDirectory() ? 'folder' : 'something';
  } catch (cause) {
    if (isMissing(cause) || systemCodeOf(cause) === 'ENAMETOOLONG') {
      if (path.includes('\ufffd')) throw unreadableName(path);
      return 'nothing';
    }
    throw fileFailure(cause, 'read', path);
  }
}

function noSuchFile(path: string): FileError {
  return new FileError({
    code: 'no-such-file',
    message: `There is no data file ${path}.`,
    hint: 'Check the path; relative paths start at the current folder.',
  });
}

function unreadableName(path: string): FileError {
  return new FileError({
    code: 'unreadable-name',
    message: `The name ${path} cannot be read: it holds bytes that are not UTF-8.`,
    hint: 'Rename the file, or make a link to it that has a name in UTF-8.',
  });
}
