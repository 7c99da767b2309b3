/** About src/cli/process-limits.ts */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { expectFailure } from '../end-to-end/failure.js';
import { root } from '../support/run.js';

/** Runs a command of the built program where only so many files may be open. */
const withLimit = (files: number, command: string) =>
  new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    const script = `ulimit -n ${files} && exec "$0" "$@"`;
    const args = ['-c', script, process.execPath, join(root, 'bin', 'run.js'), command];
    execFile('sh', args, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
  });

it.skipIf(process.platform === 'win32')(
  'too few file handles end in a sentence (there is no ulimit on Windows)',
  async () => {
    expectFailure(await withLimit(64, 'samplers'), {
      exit: 6,
      says: /Only \d+ more files may be opened here/,
      hint: 'ulimit -n 1024',
    });
  },
);

it.skipIf(process.platform === 'win32')('enough of them do (there is no ulimit on Windows)', async () => {
  expect((await withLimit(192, 'samplers')).code).toBe(0);
});
