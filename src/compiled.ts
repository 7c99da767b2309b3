import { fileURLToPath } from 'node:url';

/**
 * The compiled file that a worker or child process is started from. Node cannot start one from TypeScript: where the
 * sources run as they are (the tests), it is taken from dist/, which the tests' script builds first.
 *
 * @param path under src/, as JavaScript: `workers/session.js`
 */
export function compiledFile(path: string): string {
  const folder = import.meta.url.endsWith('.ts') ? '../dist/' : './';
  return fileURLToPath(new URL(folder + path, import.meta.url));
}
