import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { temporaryFolder } from '../support/folder.js';
import { root } from '../support/run.js';

const folder = temporaryFolder();
const LONG = { timeout: 60_000, interval: 100 };

it('a child whose case never ends is gone soon after its parent was killed', async () => {
  const mark = folder.path('process');
  const program = join(root, 'test', 'fuzz', 'endless-program');
  const parent = spawn(
    process.execPath,
    [join(root, 'fuzz', 'run.mjs'), '--kind', 'csv', '--count', '1', '--program', program],
    { stdio: 'ignore', env: { ...process.env, ENDLESS_PROCESS: mark, TMPDIR: folder.path('.') } },
  );
  await vi.waitFor(() => expect(readFileSync(mark, 'utf8')).toMatch(/^\d+$/), LONG);
  const child = Number(readFileSync(mark, 'utf8'));
  expect(process.kill(child, 0)).toBe(true); // it is there
  parent.kill('SIGKILL');
  await once(parent, 'exit');
  await vi.waitFor(() => expect(() => process.kill(child, 0)).toThrow(/ESRCH/), LONG);
});
