/** About src/cli/flags.ts, src/commands/ppl.ts */
import { beforeAll, describe, expect, it } from 'vitest';
import { fixture } from '../support/run.js';
import { type Workspace, workspace } from '../support/workspace.js';
import { expectFailure, expectNoTrace } from './failure.js';
import { smallModel, writeModel } from './small-models.js';

let space: Workspace;
beforeAll(() => {
  space = workspace();
  space.write('text.txt', 'A little text. '.repeat(20));
  writeModel(space, 'good', smallModel());
});

describe('a flag value that cannot be meant', () => {
  it.each([
    [['--protocol', 'strikt'], /--protocol has no value "strikt"/, /Did you mean strict\?/],
    [['--family', 'mldm'], /--family has no value "mldm"/, /Did you mean mdlm\?/],
    [
      ['--provider', 'gpu'],
      /--provider has no value "gpu"/,
      /Did you mean webgpu or cuda\? It takes one of: cpu, webgpu, cuda, auto/,
    ],
    [['--format', 'jsn'], /--format has no value "jsn"/, /Did you mean json\?/],
    [['--draws', '0'], /--draws takes a whole number of at least 1, not "0"/, /--draws 8/],
    [['--seed', '1.5'], /--seed takes a whole number/, /For example/],
    [['--until', '-1'], /--until/, /./],
    [['--limit', 'all'], /--limit takes a whole number/, /For example/],
    [['--lenght', '16'], /There is no flag --lenght/, /Did you mean --length\?/],
    [['other.onnx'], /Unexpected argument: other\.onnx/, /Did you mean --model other\.onnx\?/],
    [['stray'], /takes flags only, not "stray"|Unexpected argument: stray/, /--help/],
  ])('%j', async (flags, says, hint) => {
    expectFailure(await space.run(['ppl', '--model', 'good.onnx', '--dataset', 'text.txt', ...flags]), {
      exit: 2,
      says,
      hint,
    });
  });

  it('from the environment names its variable', async () => {
    const ran = await space.run(['ppl', '--model', 'good.onnx'], { DUO_EVAL_PROTOCOL: 'strikt' });
    expectFailure(ran, {
      exit: 2,
      says: /"strikt"/,
      hint: /The value is from DUO_EVAL_PROTOCOL\. Did you mean strict\?/,
    });
  });

  it('no model at all', async () => {
    expectFailure(await space.run(['ppl']), {
      exit: 2,
      says: /--model is required/,
      hint: /duo-eval ppl --help/,
    });
  });

  it('two models of one name', async () => {
    const ran = await space.run([
      'ppl',
      '--model',
      'good.onnx',
      '--model',
      './good.onnx',
      '--dataset',
      'text.txt',
    ]);
    expectFailure(ran, { exit: 2, says: 'Two models are called "good".', hint: '--model first=path' });
  });

  it('a provider that is not on this machine says what to install', async () => {
    const ran = await space.run([
      'ppl',
      '--model',
      'good.onnx',
      '--dataset',
      'text.txt',
      '--provider',
      'cuda',
    ]);
    if (ran.code === 0) return; // a machine with CUDA: nothing to refuse
    expectFailure(ran, { exit: 3, says: /cuda/i, hint: /./ });
  });
});

describe('a failure under --json', () => {
  it.each([
    ['usage', ['--protocol', 'strikt'], 2, 'invalid-flag-value'],
    ['a model', ['--model', 'gone.onnx'], 3, 'model-not-found'],
    ['data', ['--model', 'good.onnx', '--dataset', 'ptb'], 4, 'dataset-needs-path'],
    ['files', ['--model', 'good.onnx', '--out', 'no/such.json'], 6, 'output-not-writable'],
  ])('of %s is an object on stdout, and a sentence on stderr', async (_what, flags, exitCode, code) => {
    const ran = await space.run(['ppl', '--json', ...flags]);
    const parsed = JSON.parse(ran.stdout);
    expect(parsed).toEqual({
      schemaVersion: 1,
      error: { code, message: expect.any(String), hint: expect.any(String), exitCode },
    });
    expect(ran.stderr).toContain(`Error: ${parsed.error.message}\n  ${parsed.error.hint}\n`);
    expectNoTrace(ran.stderr);
    expect(ran.code).toBe(exitCode);
  });
});

describe('the other commands', () => {
  it.each([
    [['inspect', 'gone.onnx'], 3, /There is no file gone\.onnx/],
    [['inspect', 'text.txt'], 3, /text\.txt is not an ONNX model/],
    [['datasets', 'add', 'ptb'], 2, /"ptb" is not of the form name=path/],
    [['datasets', 'add', 'mine=gone.txt'], 6, /There is no data file gone\.txt/],
    [['datasets', 'verify', 'sotuu'], 2, /There is no data set "sotuu"/],
    [['datasets', 'pack', 'text.txt', '--tokenizer', 'gone'], 4, /gone/],
    [
      [
        'datasets',
        'pack',
        'text.txt',
        '--tokenizer',
        fixture('tokenizer'),
        '--length',
        '16',
        '--out',
        'no/such.i32',
      ],
      6,
      /no\/such\.i32/,
    ],
    [['datasets', 'pak'], 2, /There is no command "datasets pak"/],
    [['pppl'], 2, /There is no command "pppl"/],
  ])('%j', async (args, exit, says) => {
    expectFailure(await space.run(args), { exit, says });
  });
});
