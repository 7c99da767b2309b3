/**
 * What the operating system's file errors (ENOENT, EACCES, ENOSPC, …) mean to a user: one table of codes, sentences and
 * hints. A failure becomes a FileError (exit 6) unless the caller has a more specific error class, as for models and data.
 */
import { FileError } from '../errors.js';

interface FileProblem {
  code: string;
  /** Completes «Cannot write x: …». */
  says: string;
  hint: string;
}

const FILE_ERRORS: Readonly<Record<string, FileProblem>> = {
  ENOENT: {
    code: 'no-such-file',
    says: 'there is no such file or folder',
    hint: 'Check the path; relative paths start at the current folder.',
  },
  ENOTDIR: {
    code: 'not-a-folder',
    says: 'a part of the path is a file, not a folder',
    hint: 'Check the path.',
  },
  EEXIST: {
    code: 'not-a-folder',
    says: 'a file stands where a folder is needed',
    hint: 'Check the path.',
  },
  EISDIR: {
    code: 'is-a-folder',
    says: 'it is a folder, not a file',
    hint: 'Name a file in it.',
  },
  EACCES: {
    code: 'permission-denied',
    says: 'permission is denied',
    hint: 'Choose another place, or change the permissions of the file and its folder.',
  },
  EPERM: {
    code: 'permission-denied',
    says: 'permission is denied',
    hint: 'Choose another place, or change the permissions of the file and its folder.',
  },
  EROFS: {
    code: 'read-only-disk',
    says: 'the disk is read-only',
    hint: 'Choose a place that can be written to.',
  },
  ENOSPC: {
    code: 'disk-full',
    says: 'no space is left on the disk',
    hint: 'Free some space, or choose another disk.',
  },
  EDQUOT: {
    code: 'disk-full',
    says: 'the disk quota is used up',
    hint: 'Free some space, or choose another disk.',
  },
  EFBIG: {
    code: 'file-too-large',
    says: 'it is larger than a file may be here',
    hint: 'Raise the limit on the size of files (ulimit -f), or choose a disk that takes larger ones.',
  },
  EMFILE: {
    code: 'too-many-open-files',
    says: 'too many files are open',
    hint: 'Raise the limit on open files (ulimit -n), or close other programs.',
  },
  ENAMETOOLONG: {
    code: 'name-too-long',
    says: 'the name is too long',
    hint: 'Choose a shorter name.',
  },
};
/**
 * @param doing the attempted action, as in «Cannot write x: …»   @param advice printed before the general hint, e.g. which
 * environment variable moves the folder
 */
export function fileFailure(cause: unknown, doing: string, path: string, advice = ''): FileError {
  const problem = problemOf(cause);
  return new FileError({
    code: problem?.code ?? 'file-failure',
    message: `Cannot ${doing} ${path}: ${reasonOf(cause)}.`,
    hint: [advice, problem?.hint ?? ''].filter(Boolean).join(' ') || undefined,
    cause,
  });
}

/** Why a file operation failed, to complete a sentence after a colon. */
export function reasonOf(cause: unknown): string {
  const problem = problemOf(cause);
  if (problem) return problem.says;
  const systemCode = systemCodeOf(cause);
  if (systemCode) return `the system says ${systemCode}`;
  return cause instanceof Error ? cause.message.replace(/\.$/, '') : String(cause);
}

/** Advice for the user; null for an error that is not in the table. */
export function hintOf(cause: unknown): string | null {
  return problemOf(cause)?.hint ?? null;
}

/** Whether the error means that nothing exists at the path. */
export function isMissing(cause: unknown): boolean {
  const code = systemCodeOf(cause);
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/** Whether the error means that a folder holds something. */
export function isNotEmpty(cause: unknown): boolean {
  const code = systemCodeOf(cause);
  return code === 'ENOTEMPTY' || code === 'EEXIST';
}

/** The code of a failed system call, such as `ENOENT`. */
export function systemCodeOf(cause: unknown): string | null {
  const code = (cause as NodeJS.ErrnoException | null)?.code;
  return typeof code === 'string' ? code : null;
}

const problemOf = (cause: unknown): FileProblem | undefined => FILE_ERRORS[systemCodeOf(cause) ?? ''];
