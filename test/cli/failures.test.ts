/** About src/cli/failure.ts */
import { beforeAll, describe, expect, it } from 'vitest';
import { makeProbePackage, type ProbePackage } from './probe-package.js';

let probe: ProbePackage;
beforeAll(() => {
  probe = makeProbePackage();
});

describe('bad usage ends with exit 2, a sentence and a suggestion', () => {
  it.each([
    ['prob', /There is no command "prob"\.\n {2}Did you mean duo-eval probe\?/],
    ['data lst', /There is no command "data lst"\.\n {2}Did you mean duo-eval data list\?/],
    ['list', /There is no command "list"\.\n {2}Did you mean duo-eval data list\?/],
    ['--json probe', /Flags come after the command: duo-eval probe --json/],
    ['probe stray', /takes flags only, not "stray"/],
    ['probe --dataset a stray', /Unexpected argument: stray/],
    ['probe --bath 3', /There is no flag --bath\.\n {2}Did you mean --batch\? duo-eval probe --help/],
    ['probe --batch', /--batch expects a value/],
    ['probe --batch x', /--batch takes a whole number of at least 1 and of at most 64, not "x"/],
    ['probe --batch 0', /not "0"/],
    ['probe --batch 65', /not "65"/],
    ['probe --batch 1.5', /not "1\.5"/],
    ['probe --batch 3 --batch 4', /--batch can only be specified once/],
    ['probe --until 0', /--until takes a number above 0, not "0"/],
    ['probe --until 0x10', /not "0x10"/],
    ['probe --until NaN', /not "NaN"/],
    [
      'probe --protocol strct',
      /--protocol has no value "strct"\.\n {2}Did you mean strict\? It takes one of: duo, strict/,
    ],
    ['help prob', /Did you mean duo-eval probe\?/],
  ])('%s', async (line, expected) => {
    const { code, stdout, stderr } = await probe.run(line.split(' '));
    expect(stderr).toMatch(expected);
    expect(stderr).toMatch(/^Error: /);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(code).toBe(2);
    if (!line.includes('--json')) expect(stdout).toBe('');
  });
});

describe('a failure', () => {
  it('of a known kind has its sentence, hint and exit status', async () => {
    const { code, stderr } = await probe.run(['probe', '--fail', 'model']);
    expect(stderr).toContain('Error: x.onnx is not there.\n  Look elsewhere.\n');
    expect(code).toBe(3);
  });

  it.each([
    [['--json'], {}],
    [[], { DUO_EVAL_JSON: '1' }],
    [[], { DUO_EVAL_FORMAT: 'json' }],
  ])('is JSON on stdout where JSON is asked for (%j %j)', async (more, env) => {
    const { code, stdout } = await probe.run(
      ['probe', '--fail=model', ...more],
      env as Record<string, string>,
    );
    expect(JSON.parse(stdout)).toEqual({
      schemaVersion: 1,
      error: { code: 'no-such-model', message: 'x.onnx is not there.', hint: 'Look elsewhere.', exitCode: 3 },
    });
    expect(code).toBe(3);
  });

  it('of the command line is JSON too', async () => {
    const { code, stdout } = await probe.run(['probe', '--json', '--bath=3']);
    expect(JSON.parse(stdout).error).toMatchObject({ code: 'unknown-flag', exitCode: 2 });
    expect(code).toBe(2);
  });

  it('of ours says so, and shows its stack only when asked', async () => {
    const quiet = await probe.run(['probe', '--fail', 'ours']);
    expect(quiet.code).toBe(1);
    expect(quiet.stderr).toMatch(
      /TypeError: this should not be\n {2}This is a fault of duo-eval.*DUO_EVAL_DEBUG=1/,
    );
    expect(quiet.stderr).not.toMatch(/\n\s+at /);
    const told = await probe.run(['probe', '--fail', 'ours'], { DUO_EVAL_DEBUG: '1' });
    expect(told.stderr).toMatch(/\n\s+at .*probe\.js/);
  });

  it('outside the command, in a callback, ends the same way', async () => {
    const { code, stderr } = await probe.run(['probe', '--fail', 'later']);
    expect(code).toBe(1);
    expect(stderr).toContain('RangeError: from a timer');
    expect(stderr).not.toMatch(/\n\s+at /);
  });

  it('of the operating system names the file and exits with 6', async () => {
    const { code, stderr } = await probe.run(['probe', '--fail', 'system']);
    expect(stderr).toContain('/no/such/file: no such file or directory (ENOENT).');
    expect(code).toBe(6);
  });
});
