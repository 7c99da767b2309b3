import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';

const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const env = { PATH: process.env.PATH };

beforeAll(() => {
  if (!existsSync(at('oclif.manifest.json')))
    throw new Error('oclif.manifest.json is missing: npm run build');
});

describe('the project as it is built', () => {
  it('tells the version of package.json', () => {
    const { version } = JSON.parse(readFileSync(at('package.json'), 'utf8'));
    const stdout = execFileSync(process.execPath, [at('bin/run.js'), '--version'], { encoding: 'utf8', env });
    expect(stdout).toMatch(new RegExp(`^duo-eval/${version.replaceAll('.', '\\.')} `));
  });

  it('has help that fits 80 columns for every command, and a summary for each', () => {
    const { commands } = JSON.parse(readFileSync(at('oclif.manifest.json'), 'utf8'));
    const lines = [[], ...Object.keys(commands).map((id) => id.split(':'))];
    for (const words of lines) {
      const stdout = execFileSync(process.execPath, [at('bin/run.js'), ...words, '--help'], {
        encoding: 'utf8',
        env,
      });
      const widest = Math.max(...stdout.split('\n').map((line) => line.length));
      expect(widest, words.join(' ')).toBeLessThanOrEqual(80);
    }
    for (const { id, summary } of Object.values(commands) as { id: string; summary?: string }[]) {
      expect(summary, `summary of ${id}`).toBeTruthy();
    }
  });

  it('answers an unknown command and an unknown flag with exit 2', () => {
    const run = (args: string[]) =>
      spawnSync(process.execPath, [at('bin/run.js'), ...args], { encoding: 'utf8', env });
    const command = run(['no-such-thing']);
    expect([command.status, command.stderr]).toEqual([
      2,
      expect.stringContaining('There is no command "no-such-thing"'),
    ]);
    const { commands } = JSON.parse(readFileSync(at('oclif.manifest.json'), 'utf8'));
    for (const id of Object.keys(commands)) {
      const flag = run([...id.split(':'), '--no-such-flag']);
      expect([flag.status, flag.stderr]).toEqual([
        2,
        expect.stringContaining('There is no flag --no-such-flag'),
      ]);
    }
  });
});
