/**
 * The built command line as a process of its own, with a cache, a configuration and a home of its own: what the user's
 * environment holds does not reach it.
 */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterUse } from './after-use.js';
import { temporaryFolder } from './folder.js';

/** The project's folder. */
export const root = fileURLToPath(new URL('../../', import.meta.url));

/** The program as Node runs it. */
export const program = join(root, 'bin', 'run.js');

/** A file of fixtures/. */
export const fixture = (name: string) => join(root, 'fixtures', name);

export interface Ran {
  /** Exit status; null when a signal ended it. */
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  /** Works here, and keeps its cache and configuration here; a temporary folder unless given. */
  folder?: string;
  /** Beside PATH and what points into the folder; `undefined` takes a variable away. */
  env?: Record<string, string | undefined>;
  /** What it reads from standard input, which is empty unless given. */
  input?: string | Uint8Array;
  /** Width of the terminal it prints for. */
  columns?: number;
  stdio?: SpawnOptions['stdio'];
  /** A program other than the built one. */
  program?: string;
}

/** The variables of a run: of the surroundings only PATH and, on Windows, what processes need to start. */
export function environmentIn(folder: string): Record<string, string | undefined> {
  const { PATH, SystemRoot } = process.env;
  return {
    PATH,
    ...(SystemRoot && { SystemRoot }),
    HOME: folder,
    DUO_EVAL_CACHE: join(folder, '.cache'),
    DUO_EVAL_CONFIG: join(folder, '.config'),
  };
}

/** Starts it, for tests that send signals or read while it runs. */
export function startDuoEval(args: string[], options: RunOptions = {}): ChildProcess {
  if (!existsSync(join(root, 'oclif.manifest.json'))) throw new Error('duo-eval is not built: npm run build');
  const { folder = temporaryFolder().root, env, input, columns } = options;
  const child = spawn(process.execPath, [options.program ?? program, ...args], {
    cwd: folder,
    env: { ...environmentIn(folder), ...(columns && { COLUMNS: String(columns) }), ...env },
    stdio: options.stdio ?? [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  });
  afterUse(() => child.kill('SIGKILL'));
  if (input !== undefined) {
    child.stdin?.on('error', () => {}); // It may end before it has read everything.
    child.stdin?.end(input);
  }
  return child;
}

export function duoEval(args: string[], options: RunOptions = {}): Promise<Ran> {
  return finished(startDuoEval(args, options));
}

/** What a process printed, once it has ended. */
export function finished(child: ChildProcess): Promise<Ran> {
  const printed: { stdout: Buffer[]; stderr: Buffer[] } = { stdout: [], stderr: [] };
  child.stdout?.on('data', (chunk) => printed.stdout.push(chunk));
  child.stderr?.on('data', (chunk) => printed.stderr.push(chunk));
  const text = (chunks: Buffer[]) => Buffer.concat(chunks).toString('utf8');
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      resolve({ code, stdout: text(printed.stdout), stderr: text(printed.stderr) });
    });
  });
}
