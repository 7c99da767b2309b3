/** Turns what the operating system says of a file (ENOENT, EACCES, ENOSPC, …) into a FileError with a sentence. */
import { FileError } from '../errors.js';

interface Explanation {
  code: string;
  says: string;
  hint: string;
}

const EXPLANATIONS: Record<string, Explanation> = {
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
    says: 'permission was denied',
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
};
EXPLANATIONS.EPERM = EXPLANATIONS.EACCES;
EXPLANATIONS.EDQUOT = { ...EXPLANATIONS.ENOSPC, says: 'the disk quota is used up' };

/**
 * @param doing what was tried, as in «Cannot write x: …»   @param advice said before the general hint, e.g. which
 * environment variable moves the folder
 */
export function fileFailure(cause: unknown, doing: string, path: string, advice = ''): FileError {
  const systemCode = systemCodeOf(cause);
  const explanation = EXPLANATIONS[systemCode ?? ''];
  return new FileError({
    code: explanation?.code ?? 'file-failure',
    message: `Cannot ${doing} ${path}: ${explanation?.says ?? describe(cause, systemCode)}.`,
    hint: [advice, explanation?.hint ?? ''].filter(Boolean).join(' ') || undefined,
    cause,
  });
}

/** `ENOENT` and its like, where the cause is a failed system call. */
export function systemCodeOf(cause: unknown): string | null {
  const code = (cause as NodeJS.ErrnoException | null)?.code;
  return typeof code === 'string' ? code : null;
}

function describe(cause: unknown, systemCode: string | null): string {
  if (systemCode) return `the system says ${systemCode}`;
  return cause instanceof Error ? cause.message.replace(/\.$/, '') : String(cause);
}
