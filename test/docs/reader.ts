/**
 * A reader with a shell: a folder with the fixtures and the files that examples speak of, and `duo-eval` on the path.
 * The examples of a page run in one folder, in order, since later ones use what earlier ones wrote.
 */
import { execFile } from 'node:child_process';
import { chmodSync, cpSync } from 'node:fs';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { environmentIn, fixture, program } from '../support/run.js';
import { workspace } from '../support/workspace.js';
import type { Example } from './pages.js';
import { weightsFolder } from './published-weights.js';

export interface Reader {
  /** Runs lines as a shell does that stops at the first failure. */
  shell(text: string, env?: Record<string, string>): Promise<{ stdout: string; stderr: string }>;
  write(name: string, content: string): void;
}

/** A small story, many times: enough tokens for several sequences. */
const STORY = 'Once upon a time there was a chain of bytes that knew only its last state. ';

export function reader(): Reader {
  const space = workspace();
  cpSync(fixture(''), space.at('fixtures'), { recursive: true });
  space.write('stories.jsonl', `${JSON.stringify({ story: STORY.repeat(20) })}\n`.repeat(3));
  weightsFolder(space.at('my-duo'));
  // As `npm ci` puts it where npx finds it.
  space.write('package.json', '{"private":true,"devDependencies":{"duo-eval":"*"}}');
  const command = 'node_modules/.bin/duo-eval';
  space.write(command, `#!/bin/sh\nexec "${process.execPath}" "${program}" "$@"\n`);
  chmodSync(space.at(command), 0o755);
  const PATH = `${space.at('node_modules/.bin')}:${process.env.PATH}`;
  return {
    write: (name, content) => void space.write(name, content),
    shell: (text, env) =>
      promisify(execFile)('bash', ['-e', '-c', text], {
        cwd: space.folder,
        maxBuffer: 1 << 26,
        env: { ...environmentIn(space.folder), PATH, ...env },
      }),
  };
}

export const words = (line: string) => line.trim().replace(/\s+/g, ' ');

/**
 * Most samples that an example draws here: their number changes figures and time, not what is shown to work. WHOLE_EXAMPLES=1 draws
 * as many as are written, for a release.
 */
const MOST_SAMPLES = process.env.WHOLE_EXAMPLES ? Number.POSITIVE_INFINITY : 8;
const withFewSamples = (text: string): string =>
  text.replace(/(samples:? )(\d+)/g, (_, name, count) => `${name}${Math.min(Number(count), MOST_SAMPLES)}`);

/** Runs an example; its output must have the first line of words that the page shows.  @returns what it printed */
export async function follow({ shell }: Reader, { text, shown }: Example): Promise<string> {
  const { stdout } = await shell(withFewSamples(text));
  if (shown === null) return stdout;
  const header = shown.split('\n').find((line) => /^[a-z/]/i.test(line));
  if (header) expect(stdout.split('\n').map(words)).toContain(words(header));
  return stdout;
}
