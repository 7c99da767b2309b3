import { fileURLToPath } from 'node:url';

/**
 * The compiled file of this folder that a worker or child process is started from. Node cannot start one from TypeScript:
 * where the sources run as they are (the tests), it is taken from dist/, which the tests' script builds first.
 */
export function compiledFile(name: string): string {
  const folder = import.meta.url.endsWith('.ts') ? '../../dist/models/' : './';
  return fileURLToPath(new URL(folder + name, import.meta.url));
}
