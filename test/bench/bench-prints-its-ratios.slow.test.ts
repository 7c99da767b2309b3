/** About bench/run.mjs */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const run = promisify(execFile);
const bench = fileURLToPath(new URL('../../bench/run.mjs', import.meta.url));

interface Row {
  kind: 'ratio' | 'path';
  what: string;
  to?: string;
  values?: number[];
  target?: number | null;
  nanoseconds?: number;
}

it('measures calls, processes and hot paths in any clone, and nothing else on stdout', async () => {
  const { stdout } = await run(process.execPath, [bench, '--quick', '--json', '--threads', '1']);
  const { pairs, threads, rows } = JSON.parse(stdout) as { pairs: number; threads: number; rows: Row[] };
  expect({ pairs, threads }).toEqual({ pairs: 2, threads: 1 });
  const ratios = rows.filter(({ kind }) => kind === 'ratio');
  expect(ratios.map(({ what, to, target }) => [what, to, target])).toEqual([
    ['markov-ar, batch 32', 'session.run', null],
    ['markov-mdlm, batch 32', 'session.run', null],
    ['markov-duo, batch 32', 'session.run', null],
    ['duo, 2M parameters, step of training', 'its loss alone', null],
    ['duo, 2M parameters, step of training, memory', '1.5 GB', 1],
    ['exact likelihood, mdlm, 4 sequences, batch 4', '128 session.run', 1.1],
    ['exact likelihood, bd3lm, 4 sequences, batch 4', '8 session.run, 256 tokens', 1.1],
    ['--help', 'node -e 0', 3],
    ['--version', 'node -e 0', 3],
    ['markov-duo, one call, cached', '1.5 s', null],
  ]);
  for (const { values } of ratios) {
    expect(values).toHaveLength(2);
    for (const value of values!) expect(value).toBeGreaterThan(0);
  }
  const paths = rows.filter(({ kind }) => kind === 'path');
  expect(paths.length).toBeGreaterThanOrEqual(8);
  for (const { nanoseconds } of paths) expect(nanoseconds).toBeGreaterThan(0);
});

it('prints a table with median, range, target and verdict', async () => {
  const { stdout } = await run(process.execPath, [bench, '--quick', '--only', 'process', '--pairs', '1']);
  expect(stdout).toMatch(/what .* to .* median .* min – max .* target .* aim .* verdict/);
  expect(stdout).toMatch(/--help .* node -e 0 .* ≤ 3 .* (reached|missed)/);
});

it('refuses a part that it does not have', async () => {
  const failure = await run(process.execPath, [bench, '--only', 'everything']).catch((error) => error);
  expect(failure.code).toBe(2);
  expect(failure.stderr).toContain('--only takes calls, steps, training, likelihood, process, hot-paths');
});
