/** About src/cli/main.ts, src/commands/ */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/folder.js';
import { duoEval, root } from '../support/run.js';

const read = (name: string) => JSON.parse(readFileSync(join(root, name), 'utf8'));
/** One folder for all: nothing here writes. */
const folder = temporaryFolder().root;
const run = (args: string[]) => duoEval(args, { folder });

describe('the project as it is built', () => {
  it('tells the version of package.json', async () => {
    const { version } = read('package.json');
    const { stdout } = await run(['--version']);
    expect(stdout).toMatch(new RegExp(`^duo-eval/${version.replaceAll('.', '\\.')} `));
  });

  it('has help that fits 80 columns for every command, and a summary for each', async () => {
    const { commands } = read('oclif.manifest.json');
    const lines = [[], ...Object.keys(commands).map((id) => id.split(':'))];
    for (const words of lines) {
      const { stdout } = await run([...words, '--help']);
      const widest = Math.max(...stdout.split('\n').map((line) => line.length));
      expect(widest, words.join(' ')).toBeLessThanOrEqual(80);
    }
    for (const { id, summary } of Object.values(commands) as { id: string; summary?: string }[]) {
      expect(summary, `summary of ${id}`).toBeTruthy();
    }
  });

  it('answers an unknown command and an unknown flag with exit 2', async () => {
    const command = await run(['no-such-thing']);
    expect([command.code, command.stderr]).toEqual([
      2,
      expect.stringContaining('There is no command "no-such-thing"'),
    ]);
    const { commands } = read('oclif.manifest.json');
    for (const id of Object.keys(commands)) {
      const flag = await run([...id.split(':'), '--no-such-flag']);
      expect([flag.code, flag.stderr]).toEqual([
        2,
        expect.stringContaining('There is no flag --no-such-flag'),
      ]);
    }
  });
});
