/** About src/cli/main.ts, src/cli/root-help.ts */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { COMMAND_GROUPS } from '../../src/cli/root-help.js';
import { temporaryFolder } from '../support/folder.js';
import { duoEval } from '../support/run.js';
import { makeProbePackage, type ProbePackage } from './probe-package.js';

let probe: ProbePackage;
beforeAll(() => {
  probe = makeProbePackage();
});

it('every command has its place in one group of the help', () => {
  const { commands } = JSON.parse(
    readFileSync(new URL('../../oclif.manifest.json', import.meta.url), 'utf8'),
  );
  const grouped = Object.values(COMMAND_GROUPS).flat();
  expect([...grouped].sort()).toEqual(Object.keys(commands).sort());
});

describe('help', () => {
  it.each([[[]], [['--help']], [['-h']], [['help']]])('lists the commands for %j', async (args) => {
    const { code, stdout, stderr } = await probe.run(args);
    expect(stdout).toMatch(/COMMANDS\n {2}data list {2}List data\n {2}probe {6}Show what it was given\n/);
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(stderr).toBe('');
    expect(code).toBe(0);
  });

  it.each([[['probe', '--help']], [['probe', '-h']], [['help', 'probe']]])(
    'explains a command for %j',
    async (args) => {
      const { code, stdout } = await probe.run(args);
      expect(stdout).toContain('$ duo-eval probe');
      expect(code).toBe(0);
    },
  );

  it.each([[['data']], [['data', '--help']]])('lists the commands of a topic for %j', async (args) => {
    const { code, stdout } = await probe.run(args);
    expect(stdout).toContain('data list');
    expect(code).toBe(0);
  });

  it('of a command takes the width that the terminal has, up to 100', async () => {
    const widest = async (columns: number) => {
      const { stdout } = await duoEval(['ppl', '--help'], { columns });
      return Math.max(...stdout.split('\n').map((line) => line.length));
    };
    expect(await widest(160)).toBeGreaterThan(90);
    expect(await widest(160)).toBeLessThanOrEqual(100);
  });

  it('of a command says its summary once, and its global flags last', async () => {
    const { stdout } = await duoEval(['ppl', '--help']);
    expect(stdout.split('Measure zero-shot perplexity')).toHaveLength(2);
    expect(stdout.indexOf('GLOBAL FLAGS')).toBeGreaterThan(stdout.indexOf('CHECKPOINT FLAGS'));
    expect(stdout).toContain('$ duo-eval ppl --model <model> [FLAGS]\n');
    expect(stdout).toMatch(/--seed=<n> .*\n.*\n?.*\[default: 1\]/);
  });

  it('takes the width that the terminal has, and no colour in a pipe', async () => {
    const { stdout } = await probe.run(['--help'], { COLUMNS: '50' });
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(50);
    expect(stdout).not.toContain('\x1b');
  });
});

it('tells its version, the platform and Node', async () => {
  const { code, stdout } = await probe.run(['--version']);
  expect(stdout).toBe(`duo-eval/1.2.3 ${process.platform}-${process.arch} node-${process.version}\n`);
  expect(code).toBe(0);
});

it.each([['--help'], ['--version']])('loads nothing but our own few files for %s', async (flag) => {
  // What would be slow is oclif: 60 to 90 of the 180 ms allowed. V8's coverage names every module that was loaded.
  const folder = temporaryFolder().root;
  await probe.run([flag], { NODE_V8_COVERAGE: folder });
  const loaded = readdirSync(folder).flatMap((name) => {
    const { result } = JSON.parse(readFileSync(join(folder, name), 'utf8')) as { result: { url: string }[] };
    return result.map(({ url }) => url);
  });
  expect(loaded).toContainEqual(expect.stringMatching(/dist\/cli\/main\.js$/));
  expect(loaded.filter((url) => url.includes('node_modules'))).toEqual([]);
});
