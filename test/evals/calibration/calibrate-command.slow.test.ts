/** `duo-eval calibrate` as a process; and with faults put into a copy of the built program. */
import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { displayWidth } from '../../../src/terminal-text.js';
import { temporaryFolder } from '../../support/folder.js';
import { duoEval, root } from '../../support/run.js';
import { type Workspace, workspace } from '../../support/workspace.js';

let space: Workspace;
beforeAll(() => {
  space = workspace();
});

const small = [
  ...['calibrate', '--sequences', '128', '--draws', '4', '--schedule', 'cosine', '--quiet'],
  ...['--source', 'tokens', '--source', 'chain'],
];

it('prints a table of at most 80 columns that ends in the verdict', async () => {
  const { code, stdout } = await space.run(small);
  expect(code).toBe(0);
  const lines = stdout.trimEnd().split('\n');
  expect(Math.max(...lines.map(displayWidth))).toBeLessThanOrEqual(80);
  expect(stdout).toMatch(/^ar +\d\.\d{4} +\d\.\d{4} +0 +exact$/m);
  expect(stdout).toMatch(
    /^duo cosine +\d\.\d{4} +\d\.\d{4} +\d\.\d{4} +-?\d\.\d\d +\d\.\d{4} +-?\d\.\d\d +pass$/m,
  );
  expect(stdout).toMatch(/ shown$/m);
  expect(stdout).toMatch(/^chain +orders: upper bound +\d\.\d{4}( +-?\de-\d+){4} +exact$/m);
  expect(stdout).toMatch(/^Shown, not counted: for independent tokens/m);
  // ar on 2 sources; 6 families under 2 protocols: plain on both, with the control variate on the chain; exact counts of mdlm
  // likewise; 9 likelihoods of 4 families over orders on both.
  expect(lines.at(-1)).toBe('All 112 checks pass. 14 more are shown and do not count.');
});

it('prints the same as JSON and as CSV', async () => {
  const only = [...small, '--family', 'mdlm', '--estimator', 'plain'];
  const json = JSON.parse((await space.run([...only, '--json'])).stdout);
  expect(json).toMatchObject({ schemaVersion: 1, eval: 'calibration', passed: 4, failed: 0, notCounted: 0 });
  const [header, ...rows] = (await space.run([...only, '--format', 'csv'])).stdout.trimEnd().split('\n');
  expect(header).toBe(
    'source,family,schedule,estimator,protocol,sequences,tokens,draws,minus_ln_p,closed_form,estimate,mc_stderr,z,verdict,reason',
  );
  expect(rows).toHaveLength(4);
  const { source, family, schedule, estimator, protocol, sequences, tokens, draws, whole } = json.checks[0];
  const first = [source, family, schedule, estimator, protocol, sequences, tokens, draws, whole].join(',');
  expect(rows[0].startsWith(`${first},`)).toBe(true);
});

it.each([
  ['--family', 'mldm', 'Did you mean mdlm?'],
  ['--source', 'steep-chian', 'Did you mean steep-chain?'],
])('answers a wrong %s in a sentence', async (flag, value, hint) => {
  const { code, stderr } = await space.run(['calibrate', flag, value]);
  expect(code).toBe(2);
  expect(stderr).toContain(hint);
});

describe('a program with a fault', () => {
  it.each([
    [
      'a SEDD head that counts the vocabulary wrongly by one',
      'sedd',
      'diffusion/heads/losses.js',
      'options.vocabSize - 1',
      'options.vocabSize',
    ],
    [
      'a Duo head whose α is 5% off',
      'duo',
      'diffusion/heads/uniform-state.js',
      'Div(Mul(alpha, K), oneMinusAlpha)',
      'Div(Mul(alpha, K * 1.05), oneMinusAlpha)',
    ],
    [
      'a control variate whose mean is 2% off',
      'duo',
      'evals/perplexity/unigram-correction.js',
      'this.means[v] = controlVariateExpectation(',
      'this.means[v] = 1.02 * controlVariateExpectation(',
    ],
    [
      'a control variate of masked models whose mean is 3% off',
      'mdlm',
      'evals/perplexity/difficulty-correction.js',
      'integration.measure * (',
      '1.03 * integration.measure * (',
    ],
  ])('%s: exit status 7', async (_, family, file, right, wrong) => {
    const faulty = copyWith(file, right, wrong);
    const only = ['--schedule', 'log-linear', '--source', 'chain', '--estimator', 'control-variate'];
    const args = ['calibrate', '--family', family, ...only, '--json'];
    const { code, stdout, stderr } = await duoEval(args, { program: join(faulty, 'bin', 'run.js') });
    expect(code).toBe(7);
    const { failed, checks, error } = JSON.parse(stdout);
    expect(failed).toBeGreaterThan(0);
    expect(checks.filter(({ verdict }: { verdict: string }) => verdict === 'fail')).toHaveLength(failed);
    expect(error).toMatchObject({ code: 'calibration-failed', exitCode: 7 });
    expect(stderr).toMatch(/\|z\| = \d+\.\d, at least 4/);
  });
});

/** The built program in a folder of its own, with one expression replaced. */
function copyWith(file: string, right: string, wrong: string): string {
  const folder = temporaryFolder().root;
  for (const part of ['dist', 'bin', 'package.json', 'oclif.manifest.json']) {
    cpSync(join(root, part), join(folder, part), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  const path = join(folder, 'dist', file);
  const text = readFileSync(path, 'utf8');
  expect(text).toContain(right);
  writeFileSync(path, text.replace(right, wrong));
  return folder;
}
