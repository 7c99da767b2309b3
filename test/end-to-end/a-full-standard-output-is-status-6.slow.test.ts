/** About src/cli/standard-output.ts */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, statSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { environmentIn, finished, fixture, program, startDuoEval } from '../support/run.js';
import { succeed, type Workspace, workspace } from '../support/workspace.js';

let space: Workspace;
beforeAll(() => {
  space = workspace();
});

/** With stdout in a file or device. */
async function into(path: string, args: string[]) {
  const stdout = openSync(path, 'w');
  const child = startDuoEval(args, { folder: space.folder, stdio: ['ignore', stdout, 'pipe'] });
  closeSync(stdout);
  return finished(child);
}

const shell = (line: string) =>
  finished(
    spawn('bash', ['-c', line, process.execPath, program], {
      cwd: space.folder,
      env: environmentIn(space.folder),
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  );

const ppl = ['ppl', '--model', fixture('markov-duo.onnx'), '--limit', '3', '--json'];

describe.skipIf(!existsSync('/dev/full'))('a standard output that is full', () => {
  it.each([
    ['--version'],
    ['--help'],
    ['report --help'],
    ['samplers'],
    [`sample --model ${fixture('markov-duo.onnx')} --samples 1 --steps 1`],
  ])('ends %s with status 6 and one sentence', async (line) => {
    const { code, stderr } = await into('/dev/full', line.split(' '));
    expect(stderr.match(/^Error: .*$/gm)).toEqual([
      'Error: Cannot write to standard output: no space is left on the disk.',
    ]);
    expect(code).toBe(6);
  });

  it('leaves what a run finished, so that the next one only prints it', async () => {
    expect((await into('/dev/full', ppl)).code).toBe(6);
    const { stderr } = await succeed(space, ppl);
    expect(stderr).toContain('finished by an earlier run');
  });

  it('that takes a part is status 6 too, for Node itself drops the rest', async () => {
    await succeed(space, [...ppl, '--out', 'results.json']);
    expect(statSync(space.at('results.json')).size).toBeGreaterThan(1024);
    const { code, stderr } = await shell('ulimit -f 1; "$0" "$1" report results.json --json > part.json');
    expect(stderr).toContain('Cannot write to standard output: it is larger than a file may be here.');
    expect(code).toBe(6);
    expect(() => JSON.parse(readFileSync(space.at('part.json'), 'utf8'))).toThrow();
  });
});

describe('a reader who leaves early', () => {
  it.each([['report results.json'], [`sample --model ${fixture('markov-duo.onnx')} --samples 9 --steps 1`]])(
    'is no failure of %s',
    async (line) => {
      await succeed(space, [...ppl, '--out', 'results.json']);
      const { stdout, stderr } = await shell(
        `"$0" "$1" ${line} --quiet | head -n 1; echo "$\{PIPESTATUS[0]}"`,
      );
      expect(stderr).toBe('');
      expect(stdout).toMatch(/\n0\n$/);
    },
  );
});
