/** About src/commands/gate.ts */
import { beforeAll, describe, expect, it } from 'vitest';
import { fixture } from '../support/run.js';
import { succeed, type Workspace, workspace } from '../support/workspace.js';

let space: Workspace;
beforeAll(async () => {
  space = workspace();
  for (const name of ['ar', 'mdlm']) {
    await succeed(space, [
      ...['ppl', '--model', `model=${fixture(`markov-${name}.onnx`)}`, '--limit', '24', '--draws', '2'],
      ...['--by-sequence', '--quiet', '--out', `${name}.json`],
    ]);
  }
});

const gate = (gates: string, more: string[] = [], env: Record<string, string> = {}) => {
  space.write('gates.yaml', `gates:\n${gates}\n`);
  return space.run(['gate', '--results', 'mdlm.json', '--config', 'gates.yaml', ...more], env);
};

describe('duo-eval gate', () => {
  it('ends with 0 when all limits hold', async () => {
    const { code, stdout } = await gate('- {metric: ppl, max: 20, min: 2}', ['--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ schemaVersion: 1, eval: 'gate', verdict: 'pass', passed: 2 });
  });

  it('ends with 7 when one is broken, and tells GitHub', async () => {
    space.write('summary.md', '');
    const env = { GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: space.at('summary.md') };
    const gates = '- {metric: ppl, max: 2}\n- {metric: bitsPerByte, maxIncrease: 50%}';
    const { code, stdout, stderr } = await gate(
      gates,
      ['--baseline', 'mdlm.json', '--junit', 'gates.xml'],
      env,
    );
    expect(code).toBe(7);
    expect(stdout).toMatch(/^fail .*model on sotu/m);
    expect(stderr.match(/^::error file=gates\.yaml,line=2,/gm)).toHaveLength(1);
    expect(space.read('summary.md')).toMatch(/^\| fail \| model on sotu \| ppl \|/m);
    expect(space.read('gates.xml')).toContain('tests="2" failures="1" errors="0"');
  });

  it('ends with 8 when one is undecided, and says how much more would decide', async () => {
    const { code, stdout } = await gate('- {metric: bitsPerByte, maxIncrease: 0.01%}', [
      ...['--baseline', 'mdlm.json', '--json'],
    ]);
    expect(code).toBe(0); // the same file: every pair is the same
    expect(JSON.parse(stdout).checks[0]).toMatchObject({ value: 0, kind: 'maxIncrease' });
    const ppl = JSON.parse(space.read('mdlm.json')).results[0].metrics.ppl.value;
    const open = await gate(`- {metric: ppl, max: ${ppl * 1.001}}`, ['--json']);
    expect(open.code).toBe(8);
    const { error, verdict, checks } = JSON.parse(open.stdout);
    expect(error).toMatchObject({ code: 'gate-undecided', exitCode: 8 });
    expect(verdict).toBe('undecided');
    expect(checks[0].needed.units).toBeGreaterThan(24);
    for (const [as, status] of [
      ['pass', 0],
      ['fail', 7],
    ] as const) {
      const counted = await gate(`- {metric: ppl, max: ${ppl * 1.001}}`, ['--undecided', as]);
      expect(counted.code, counted.stderr).toBe(status);
    }
  });

  it('refuses gates that match no row, with 2', async () => {
    const { code, stderr } = await gate('- {metric: ppl, model: other, max: 20}');
    expect(code).toBe(2);
    expect(stderr).toContain('matches no row');
  });
});
