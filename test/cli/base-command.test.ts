/** About src/cli/base-command.ts, src/cli/signals.ts */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/folder.js';
import { program, startDuoEval } from '../support/run.js';
import { makeProbePackage, type ProbePackage } from './probe-package.js';

let probe: ProbePackage;
beforeAll(() => {
  probe = makeProbePackage();
});

describe('a command', () => {
  it('gets its flags checked and typed', async () => {
    const { code, stdout } = await probe.run([
      'probe',
      '--batch=8',
      '--until',
      '1e-3',
      '--dataset',
      'a',
      '--dataset',
      'b',
    ]);
    expect(JSON.parse(stdout)).toMatchObject({
      batch: 8,
      until: 0.001,
      dataset: ['a', 'b'],
      protocol: 'duo',
    });
    expect(code).toBe(0);
  });

  it('takes defaults from the environment, and what is typed wins', async () => {
    const env = { DUO_EVAL_BATCH: '16', DUO_EVAL_DATASET: 'a,b', DUO_EVAL_LOG_SEQUENCES: 'x.tsv' };
    const { stdout } = await probe.run(['probe', '--batch', '2'], env);
    expect(JSON.parse(stdout)).toMatchObject({ batch: 2, dataset: ['a', 'b'], 'log-sequences': 'x.tsv' });
  });

  it('checks the environment as it checks the command line, and names the variable', async () => {
    const { code, stderr } = await probe.run(['probe'], { DUO_EVAL_BATCH: 'many' });
    expect(stderr).toMatch(
      /--batch takes a whole number.*not "many"\.\n {2}The value is from DUO_EVAL_BATCH\./,
    );
    expect(code).toBe(2);
  });

  it('keeps notes and warnings off stdout, strips them, and is quiet when asked', async () => {
    const loud = await probe.run(['probe']);
    expect(loud.stderr).toBe('a note\nWarning: careful\n');
    expect(() => JSON.parse(loud.stdout)).not.toThrow();
    expect((await probe.run(['probe', '--quiet'])).stderr).toBe('');
    expect((await probe.run(['probe'], { DUO_EVAL_QUIET: '1' })).stderr).toBe('');
  });

  it('writes all of a large output before the process ends', async () => {
    const { code, stdout } = await probe.run(['probe', '--large']);
    expect(stdout).toHaveLength(4_000_001);
    expect(code).toBe(0);
  });

  it('says nothing when its reader leaves early', async () => {
    const child = probe.start(['probe', '--large', '--quiet']);
    let stderr = '';
    child.stderr?.on('data', (chunk) => {
      stderr += chunk;
    });
    child.stdout?.once('data', () => child.stdout?.destroy());
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect(stderr).toBe('');
    expect(code).toBe(0);
  });
});

describe('a signal', () => {
  it.each([
    ['SIGINT', 130, 'Interrupted.'],
    ['SIGTERM', 75, 'Stopped by SIGTERM before it was finished.'],
    ['SIGHUP', 75, 'Stopped by SIGHUP before it was finished.'],
    ['SIGUSR1', 75, 'Stopped by SIGUSR1 before it was finished.'],
    ['SIGUSR2', 75, 'Stopped by SIGUSR2 before it was finished.'],
  ] as const)(
    '%s stops a command with exit status %i, says what is kept, and opens no debugger',
    async (signal, status, says) => {
      const child = probe.start(['probe', '--wait', '--quiet']);
      let stderr = '';
      child.stderr?.on('data', (chunk) => {
        stderr += chunk;
      });
      child.stdout?.once('data', () => child.kill(signal));
      const code = await new Promise((resolve) => child.on('close', resolve));
      expect(stderr).toBe(`Error: ${says}\n  Nothing was kept: the same command starts again.\n`);
      expect(code).toBe(status);
    },
  );

  it('stops a command that does not listen, too, and even the program before it is loaded', async () => {
    const deaf = probe.start(['probe', '--deaf', '--quiet']);
    let stderr = '';
    deaf.stderr?.on('data', (chunk) => {
      stderr += chunk;
    });
    deaf.stdout?.once('data', () => deaf.kill('SIGUSR1'));
    expect(await new Promise((resolve) => deaf.on('close', resolve))).toBe(75);
    expect(stderr).toMatch(/^Error: Stopped by SIGUSR1/);

    // The first lines of the program, in which nothing is loaded.
    const lines = readFileSync(program, 'utf8').split('\n');
    expect(lines.findIndex((line) => /^import|import\(/.test(line))).toBeGreaterThan(
      lines.findIndex((line) => line.includes('process.on(')),
    );
    const early = temporaryFolder().file(
      'early.mjs',
      `${lines.slice(0, lines.indexOf('')).join('\n')}
setInterval(() => {}, 1000);
process.stdout.write('ready');`,
    );
    const begun = startDuoEval([], { program: early });
    begun.stdout?.once('data', () => begun.kill('SIGUSR1'));
    expect(await new Promise((resolve) => begun.on('close', resolve))).toBe(75);
  });
});
