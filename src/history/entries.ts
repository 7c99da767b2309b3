/**
 * Result files over time: those of a folder, or the versions of one file on a branch. A file that `history add` wrote says when it
 * was made; of another, the name says it (`2026-11-30.json`), or the time at which it was last changed.
 */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { DataError, UsageError } from '../errors.js';
import type { Evaluations, ResultRow } from '../records/evaluation.js';
import type { ResultsFile } from '../records/record.js';
import { parseResults, readResults } from '../records/results-file.js';
import { rowsOf } from '../records/rows.js';
import { writeFileAtomically } from '../storage/atomic-file.js';
import { sha256OfBytes } from '../storage/digest.js';
import { fileFailure } from '../storage/file-failure.js';

/** The results of one time. */
export interface HistoryEntry {
  at: Date;
  /** The commit that was measured, or that holds the file; null where nothing says it. */
  commit: string | null;
  rows: ResultRow[];
}

const madeRecord = z.object({
  at: z.iso.datetime(),
  commit: z
    .string()
    .regex(/^[0-9a-f]{7,64}$/)
    .nullish(),
});

/** Most entries: two a day for five years. */
const MOST_ENTRIES = 4000;
const MOST_GIT_BYTES = 2 ** 29;

/** @throws FileError, DataError where there are none or too many */
export function entriesOfFolder(folder: string, evaluations: Evaluations): HistoryEntry[] {
  let names: string[];
  try {
    names = readdirSync(folder).filter((name) => name.endsWith('.json') && !name.startsWith('.'));
  } catch (cause) {
    throw fileFailure(cause, 'read', folder);
  }
  checkCount(names.length, folder);
  const entries = names.map((name) => {
    const path = join(folder, name);
    const file = readResults(path, evaluations, { allowUnknown: true });
    return entryOf(file, path, evaluations, dateInName(name) ?? statSync(path).mtime);
  });
  return inOrder(entries);
}

/**
 * The versions of a file on a branch, one for each commit that changed it.
 * @throws UsageError where git cannot be run, or knows no such branch or file
 */
export async function entriesOfBranch(
  branch: string,
  path: string,
  evaluations: Evaluations,
): Promise<HistoryEntry[]> {
  if (branch.startsWith('-')) throw noVersions(branch, path, 'that is no name of a branch');
  const log = String(await git(['log', '--reverse', '--format=%H %cI', branch, '--', path], branch, path));
  const commits = log
    .split('\n')
    .filter(Boolean)
    .map((line) => line.split(' ') as [string, string]);
  checkCount(commits.length, `${path} on ${branch}`);
  const top = String(await git(['rev-parse', '--show-toplevel'], branch, path)).trim();
  const inside = relative(top, resolve(path)).replaceAll('\\', '/');
  const names = commits.map(([commit]) => `${commit}:${inside}\n`).join('');
  const versions = blobsOf(await git(['cat-file', '--batch'], branch, path, names));
  const entries: HistoryEntry[] = [];
  for (const [i, [commit, date]] of commits.entries()) {
    const text = versions[i];
    if (text === null) continue; // the commit removed it
    const name = `${path} at ${commit.slice(0, 12)}`;
    const file = parseResults(text, name, evaluations, { allowUnknown: true });
    const entry = entryOf(file, name, evaluations, new Date(date));
    entries.push({ ...entry, commit: entry.commit ?? commit });
  }
  return inOrder(entries);
}

/**
 * Puts results into a folder, without the figures of single sequences, samples and items, which would make it large.
 * @returns the path of the new file   @throws FileError
 */
export async function addEntry(
  folder: string,
  file: ResultsFile,
  { at, commit }: { at: Date; commit: string | null },
): Promise<string> {
  const results = file.results.map((result) => {
    const {
      sequences: _losses,
      bySample: _samples,
      byItem: _items,
      ...rest
    } = result as Record<string, unknown>;
    return rest;
  });
  const entry = { ...file, results, comparisons: [], history: { at: at.toISOString(), commit } };
  const text = `${JSON.stringify(entry, null, 1)}\n`;
  const stamp = at.toISOString().slice(0, 19).replaceAll(':', '-');
  const path = join(folder, `${stamp}-${sha256OfBytes(text).slice(0, 8)}.json`);
  if (existsSync(path)) return path;
  await writeFileAtomically(path, text, 'Give --into a folder that can be written to.');
  return path;
}

/** The commit that a checkout is at; null outside of one. */
export async function currentCommit(): Promise<string | null> {
  try {
    const { stdout } = await promisify(execFile)('git', ['rev-parse', 'HEAD'], { encoding: 'utf8' });
    return stdout.trim();
  } catch {
    return null;
  }
}

function entryOf(file: ResultsFile, name: string, evaluations: Evaluations, otherwise: Date): HistoryEntry {
  const made = madeRecord.safeParse((file as { history?: unknown }).history);
  const rows = rowsOf(file, name, evaluations);
  return made.success
    ? { at: new Date(made.data.at), commit: made.data.commit ?? null, rows }
    : { at: otherwise, commit: null, rows };
}

/** `2026-11-30`, `results-2026-11-30T09-22-00.json`, in universal time. */
function dateInName(name: string): Date | null {
  const found = /(\d{4}-\d{2}-\d{2})(?:[T_](\d{2})[-:]?(\d{2})(?:[-:]?(\d{2}))?)?/.exec(name);
  if (!found) return null;
  const [, day, hour = '00', minute = '00', second = '00'] = found;
  const date = new Date(`${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(date.getTime()) ? null : date;
}

const inOrder = (entries: HistoryEntry[]): HistoryEntry[] =>
  entries.sort((a, b) => a.at.getTime() - b.at.getTime());

function checkCount(count: number, where: string): void {
  if (count > 0 && count <= MOST_ENTRIES) return;
  throw new DataError({
    code: count === 0 ? 'no-history' : 'history-too-long',
    message:
      count === 0
        ? `There are no result files in ${where}.`
        : `${where} has ${count} result files, more than ${MOST_ENTRIES}.`,
    hint:
      count === 0
        ? 'duo-eval history add results.json --into folder starts one.'
        : 'Move older ones to another folder.',
  });
}

/** What `git cat-file --batch` says of each object that it was asked for: its text, or null where there is none. */
function blobsOf(said: Buffer): (string | null)[] {
  const blobs: (string | null)[] = [];
  for (let at = 0; at < said.length; ) {
    const end = said.indexOf('\n', at);
    const [, size] = /^[0-9a-f]+ [a-z]+ (\d+)$/.exec(said.toString('latin1', at, end)) ?? [];
    at = end + 1;
    if (size === undefined) blobs.push(null);
    else {
      blobs.push(said.toString('utf8', at, at + Number(size)));
      at += Number(size) + 1;
    }
  }
  return blobs;
}

async function git(args: string[], branch: string, path: string, input = ''): Promise<Buffer> {
  try {
    const running = promisify(execFile)('git', args, { encoding: 'buffer', maxBuffer: MOST_GIT_BYTES });
    running.child.stdin?.on('error', () => {}); // git ended first: its status says why
    running.child.stdin?.end(input);
    return (await running).stdout;
  } catch (cause) {
    const { stderr, code } = cause as { stderr?: Buffer; code?: unknown };
    throw noVersions(
      branch,
      path,
      code === 'ENOENT'
        ? 'git is not installed'
        : String(stderr ?? '')
            .trim()
            .split('\n')[0],
      cause,
    );
  }
}

function noVersions(branch: string, path: string, why: string, cause?: unknown): UsageError {
  return new UsageError({
    code: 'no-versions',
    message: `The versions of ${path} on the branch ${branch} cannot be read: ${why}.`,
    hint: 'Give --branch a branch of this repository, and the path of a result file in it.',
    cause,
  });
}
