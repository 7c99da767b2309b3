/**
 * The built command line as a user meets it: a process of its own, in a temporary folder, with a cache and a
 * configuration of its own. Names of files are relative to that folder.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { finished, type Ran } from '../cli/probe-package.js';

export const root = fileURLToPath(new URL('../../', import.meta.url));
const entry = join(root, 'bin', 'run.js');

/** A file of fixtures/. */
export const fixture = (name: string) => join(root, 'fixtures', name);

export interface Workspace {
  folder: string;
  /** The path of a file in the folder. */
  at(name: string): string;
  write(name: string, content: string | Uint8Array): string;
  read(name: string): string;
  run(args: string[], env?: Record<string, string>): Promise<Ran>;
  remove(): void;
}

export function workspace(): Workspace {
  if (!existsSync(join(root, 'oclif.manifest.json'))) throw new Error('duo-eval is not built: npm run build');
  const folder = mkdtempSync(join(tmpdir(), 'duo-eval-end-to-end-'));
  const at = (name: string) => join(folder, name);
  return {
    folder,
    at,
    write(name, content) {
      mkdirSync(dirname(at(name)), { recursive: true });
      writeFileSync(at(name), content);
      return name;
    },
    read: (name) => readFileSync(at(name), 'utf8'),
    run: (args, env = {}) =>
      finished(
        spawn(process.execPath, [entry, ...args], {
          cwd: folder,
          env: {
            PATH: process.env.PATH,
            HOME: folder,
            DUO_EVAL_CACHE: at('.cache'),
            DUO_EVAL_CONFIG: at('.config'),
            ...env,
          },
          stdio: ['ignore', 'pipe', 'pipe'],
        }),
      ),
    remove: () => rmSync(folder, { recursive: true }),
  };
}

/** Runs and expects success. @returns what was printed, with the results where they are JSON */
export async function succeed(space: Workspace, args: string[], env?: Record<string, string>): Promise<Ran> {
  const ran = await space.run(args, env);
  if (ran.code !== 0) throw new Error(`duo-eval ${args.join(' ')} ended with ${ran.code}: ${ran.stderr}`);
  return ran;
}
