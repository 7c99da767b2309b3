/**
 * Where results go: flags → formats and files. Files are checked before a long run starts and replaced by rename when
 * it ends, so a reader never sees half a file.
 */
import { accessSync, closeSync, constants, openSync, rmSync } from 'node:fs';
import { dirname, extname, resolve } from 'node:path';
import { FileError, UsageError } from '../errors.js';
import { destination, writeFileAtomically } from '../storage/atomic-file.js';
import { hintOf, reasonOf, systemCodeOf } from '../storage/file-failure.js';
import { forgetTemporary, temporaryPath } from '../storage/temporary-files.js';
import type { Format } from './formats.js';

export interface OutputPlan {
  /** What goes to stdout. */
  stdout: Format;
  /** What goes to files, by path as given. */
  files: { path: string; format: Format }[];
}

/** Hint for a path that cannot be written. */
export const OUTPUT_ADVICE = 'Give --out a path where you may write.';

const ENDINGS: Record<string, Format> = {
  '.json': 'json',
  '.csv': 'csv',
  '.md': 'markdown',
  '.markdown': 'markdown',
  '.txt': 'table',
  '.html': 'html',
  '.htm': 'html',
};

/**
 * `--json` is `--format json`. A format applies to stdout and to every file but an HTML page, which only its ending
 * selects. By default stdout gets the table, and a file the format of its ending.
 * @throws UsageError when flags contradict each other, an ending is unknown, or two paths name one file
 */
export function planOutput(flags: { format?: Format; json?: boolean; out?: readonly string[] }): OutputPlan {
  const { format, json, out = [] } = flags;
  if (json && format && format !== 'json') {
    throw new UsageError({
      code: 'contradicting-formats',
      message: `--json and --format ${format} ask for different formats.`,
      hint: 'Give one of them; with neither, the ending of each --out decides.',
    });
  }
  const decided = format ?? (json ? 'json' : undefined);
  const seen = new Set<string>();
  for (const path of out) {
    if (seen.has(resolve(path))) {
      throw new UsageError({
        code: 'repeated-output',
        message: `--out ${path} is given twice.`,
        hint: 'Each output needs a name of its own.',
      });
    }
    seen.add(resolve(path));
  }
  return {
    stdout: decided ?? 'table',
    files: out.map((path) => ({ path, format: isPage(path) ? 'html' : (decided ?? formatOfEnding(path)) })),
  };
}

/** Tries each path as {@link replaceFile} would use it, and leaves no trace. @throws FileError */
export function checkWritable(paths: readonly string[]): void {
  for (const path of paths) {
    try {
      const { target, kind } = destination(path);
      if (kind === 'device') continue;
      if (kind === 'file') accessSync(target, constants.W_OK);
      const trial = temporaryPath(dirname(target));
      closeSync(openSync(trial, 'wx'));
      rmSync(trial);
      forgetTemporary(trial);
    } catch (error) {
      throw notWritable(path, error);
    }
  }
}

/** Replaces `path` in one step, like every file that this program writes. @throws FileError */
export async function replaceFile(path: string, text: string): Promise<void> {
  await writeFileAtomically(path, text, OUTPUT_ADVICE);
}

function notWritable(path: string, error: unknown): FileError {
  const cause = error instanceof FileError ? error.cause : error;
  if (error instanceof FileError && systemCodeOf(cause) === null) return error;
  const code = systemCodeOf(cause);
  const folder = dirname(path);
  const reason =
    code === 'ENOENT'
      ? `there is no folder ${folder}`
      : code === 'ENOTDIR'
        ? `${folder} is not a folder`
        : reasonOf(cause);
  return new FileError({
    code: 'output-not-writable',
    message: `${path} cannot be written: ${reason}.`,
    hint:
      code === 'ENOENT'
        ? 'Create the folder first, or give another path to --out.'
        : ['Give another path to --out.', code === 'ENOTDIR' ? null : hintOf(cause)]
            .filter(Boolean)
            .join(' '),
    cause,
  });
}

const isPage = (path: string): boolean => ENDINGS[extname(path).toLowerCase()] === 'html';

/** @throws UsageError for an unknown ending */
export function formatOfEnding(path: string): Format {
  const format = ENDINGS[extname(path).toLowerCase()];
  if (format) return format;
  throw new UsageError({
    code: 'unknown-ending',
    message: `The ending of --out ${path} does not say which format it should have.`,
    hint: `End it with one of ${Object.keys(ENDINGS).join(', ')}, or give --format.`,
  });
}
