/** A folder that is removed after use: after the test that makes it, or after the file where no test does. */
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterUse } from './after-use.js';

export interface TemporaryFolder {
  /** Its path, without symbolic links. */
  root: string;
  path(...names: string[]): string;
  /** Writes a file, making the folders it lies in. @returns its path */
  file(name: string, content: string | Uint8Array): string;
  read(name: string): string;
}

export function temporaryFolder(): TemporaryFolder {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'duo-eval-test-')));
  // Windows refuses to remove what a process that is just ending still holds; hence the retries.
  afterUse(() => rmSync(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }));
  const path = (...names: string[]) => join(root, ...names);
  return {
    root,
    path,
    file(name, content) {
      mkdirSync(dirname(path(name)), { recursive: true });
      writeFileSync(path(name), content);
      return path(name);
    },
    read: (name) => readFileSync(path(name), 'utf8'),
  };
}
