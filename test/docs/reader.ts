/**
 * A reader with a shell: a folder with the fixtures and the files that examples speak of, and `duo-eval` on the path.
 * The examples of a page run in one folder, in order, since later ones use what earlier ones wrote.
 */
import { execFile } from 'node:child_process';
import { chmodSync, cpSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { fixture, root, type Workspace, workspace } from '../end-to-end/command.js';
import type { Example } from './pages.js';
import { weightsFolder } from './published-weights.js';

export interface Reader {
  space: Workspace;
  /** Runs lines as a shell does that stops at the first failure. */
  shell(text: string): Promise<{ stdout: string; stderr: string }>;
  close(): void;
}

/** A small story, many times: enough tokens for several sequences. */
const STORY = 'Once upon a time there was a chain of bytes that knew only its last state. ';

export function reader(): Reader {
  const space = workspace();
  cpSync(fixture(''), space.at('fixtures'), { recursive: true });
  space.write('stories.jsonl', `${JSON.stringify({ story: STORY.repeat(20) })}\n`.repeat(3));
  weightsFolder(space.at('my-duo'));
  space.write('bin/duo-eval', `#!/bin/sh\nexec "${process.execPath}" "${join(root, 'bin/run.js')}" "$@"\n`);
  chmodSync(space.at('bin/duo-eval'), 0o755);
  return {
    space,
    shell: (text) =>
      promisify(execFile)('sh', ['-e', '-c', text], {
        cwd: space.folder,
        maxBuffer: 1 << 26,
        env: {
          PATH: `${space.at('bin')}:${process.env.PATH}`,
          HOME: space.folder,
          DUO_EVAL_CACHE: space.at('.cache'),
          DUO_EVAL_CONFIG: space.at('.config'),
        },
      }),
    close: () => space.remove(),
  };
}

export const words = (line: string) => line.trim().replace(/\s+/g, ' ');

/** Runs an example; its output must have the first line of words that the page shows. */
export async function follow({ shell }: Reader, { text, shown }: Example): Promise<void> {
  const { stdout } = await shell(text);
  expect(stdout).not.toBe('');
  if (shown === null) return;
  const header = shown.split('\n').find((line) => /^[a-z/]/i.test(line));
  if (header) expect(stdout.split('\n').map(words)).toContain(words(header));
}
