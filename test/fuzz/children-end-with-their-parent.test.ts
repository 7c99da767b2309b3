/** About fuzz/run.mjs */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../support/folder.js';
import { until } from '../support/patience.js';
import { root } from '../support/run.js';

const folder = temporaryFolder();

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

it('a child whose case never ends is gone soon after its parent was killed', async () => {
  const mark = folder.path('process');
  const program = join(root, 'test', 'fuzz', 'endless-program');
  const parent = spawn(
    process.execPath,
    [join(root, 'fuzz', 'run.mjs'), '--kind', 'csv', '--count', '1', '--program', program],
    { stdio: 'ignore', env: { ...process.env, ENDLESS_PROCESS: mark, TMPDIR: folder.path('.') } },
  );
  await until(() => existsSync(mark) && /^\d+$/.test(readFileSync(mark, 'utf8')));
  const child = Number(readFileSync(mark, 'utf8'));
  expect(isAlive(child)).toBe(true);
  parent.kill('SIGKILL');
  await once(parent, 'exit');
  await until(() => !isAlive(child));
  expect(isAlive(child)).toBe(false);
});
