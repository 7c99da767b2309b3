/** About src/commands/likelihood.ts and src/evals/likelihood/ */
import { beforeEach, describe, expect, it } from 'vitest';
import { fixture } from '../support/run.js';
import { succeed, type Workspace, workspace } from '../support/workspace.js';

let space: Workspace;
beforeEach(() => {
  space = workspace();
  const lines = [
    { context: 'The state of the ', continuation: 'Union' },
    { context: 'The state', continuation: ' of', tail: 'eos' },
  ];
  space.write('p.jsonl', lines.map((line) => JSON.stringify(line)).join('\n'));
});
const args = (model: string) => ['likelihood', '--model', fixture(`${model}.onnx`), '--in', 'p.jsonl'];

describe('likelihood', () => {
  it('prints a JSON line per prompt, in a file too, and says that the tail matters', async () => {
    const { stdout, stderr } = await succeed(space, [...args('mdlm'), '--by-subset', '--out', 'out.jsonl']);
    const records = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(space.read('out.jsonl')).toBe(stdout);
    expect(records).toHaveLength(2);
    for (const [i, record] of records.entries()) {
      const { tokens, bySubset, evidence, bound, best, worst, upperBound } = record;
      expect(record).toMatchObject({
        eval: 'likelihood',
        item: i,
        method: 'subsets',
        model: { name: 'mdlm' },
      });
      expect(bySubset).toHaveLength(2 ** tokens.length - 1);
      expect(bound).toBeLessThanOrEqual(evidence);
      expect(best.value).toBeGreaterThanOrEqual(evidence);
      expect(worst.value).toBeLessThanOrEqual(bound);
      expect(upperBound.psi).toBe('left-to-right');
      expect(upperBound.value).toBeGreaterThanOrEqual(evidence);
    }
    expect(records.map(({ tail }) => tail)).toEqual(['none', 'eos']);
    expect(stderr).toMatch(/expects EOS there/);
  });

  it('prints a table that fits, and the upper bound that was asked for', async () => {
    const run = [...args('mdlm'), '--tail', 'eos', '--psi', 'evidence', '--format', 'table'];
    const { stdout, stderr } = await succeed(space, run, { COLUMNS: '80' });
    expect(stderr).toBe('');
    const lines = stdout.split('\n');
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
    expect(lines[0]).toMatch(/item +tokens +tail +bound +evidence +upper bound +left to right/);
    expect(stdout.replaceAll('\n', ' ')).toMatch(/equals the evidence. It is that value, and no bound/);
  });

  it('says which upper bounds say nothing', async () => {
    const prompt = { context: 'The state of the ', continuation: 'Union is strong' };
    space.write('p.jsonl', JSON.stringify(prompt));
    const run = [...args('mdlm'), '--format', 'table', '--quiet', '--psi'];
    const says = /Above 0 it says nothing; --psi best/;
    const bound = async (psi: string) => (await succeed(space, [...run, psi])).stdout.replaceAll('\n', ' ');
    expect(await bound('worst')).toMatch(says);
    expect(await bound('best')).not.toMatch(says);
  });

  it('of an autoregressive model is the chain rule, in --json one object', async () => {
    const { results } = JSON.parse((await succeed(space, [...args('ar'), '--json'])).stdout);
    for (const one of results) {
      expect(one).toMatchObject({ method: 'chain-rule', best: null, upperBound: null, modelCalls: 1 });
      expect(one.evidence).toBe(one.bound);
    }
  });

  it('of sedd is that of its scores, normalised', async () => {
    const { results } = JSON.parse((await succeed(space, [...args('sedd'), '--json'])).stdout);
    for (const { bound, evidence, upperBound } of results) {
      expect(bound).toBeLessThanOrEqual(evidence);
      expect(upperBound.value).toBeGreaterThanOrEqual(evidence);
      expect(evidence).toBeGreaterThan(-60);
    }
  });
});

describe('more tokens than 12', () => {
  beforeEach(() => {
    const long = { context: 'The state of the ', continuation: 'Union is strong, and it will be for years' };
    space.write('p.jsonl', [long, { continuation: 'A' }].map((line) => JSON.stringify(line)).join('\n'));
  });
  const run = (...more: string[]) => space.run([...args('mdlm'), '--tail', 'eos', '--json', ...more]);

  it('have the likelihood of a policy, or a bound with its error, beside short texts that are exact', async () => {
    const policy = JSON.parse((await run('--longer', 'policy', '--policy', 'margin')).stdout).results;
    expect(policy[0]).toMatchObject({
      method: 'policy',
      evidence: null,
      policy: { name: 'margin', seed: 1 },
    });
    expect(policy[0].policy.order.toSorted((a: number, b: number) => a - b)).toEqual([
      ...policy[0].tokens.keys(),
    ]);
    const drawn = JSON.parse((await run('--longer', 'exact-count', '--draws', '64')).stdout).results;
    expect(drawn[0]).toMatchObject({ method: 'exact-count', evidence: null, modelCalls: 64, policy: null });
    expect(drawn[0].boundStderr).toBeGreaterThan(0);
    for (const [, short] of [policy, drawn])
      expect(short).toMatchObject({ method: 'subsets', boundStderr: 0 });
  });

  it.each([
    [
      ['--longer', 'policy', '--policy', 'margin', '--psi', 'best'],
      /from 13 on.*worthless as an upper bound/,
    ],
    [['--longer', 'policy'], /Give --policy/],
    [['--policy', 'margin'], /--policy has an effect only with --longer policy/],
    [['--longer', 'policy', '--policy', 'margin', '--draws', '8'], /--draws has an effect only/],
    [['--psi', 'middle'], /--psi has no value "middle"/],
  ])('%j is refused', async (more, told) => {
    const { code, stdout } = await run(...more);
    expect(code).toBe(2);
    const { message, hint } = JSON.parse(stdout).error;
    expect(`${message} ${hint}`).toMatch(told);
  });
});

describe('refused with a sentence:', () => {
  it('a family without an order of tokens', async () => {
    const { code, stderr } = await space.run(args('duo'));
    expect(code).toBe(3);
    expect(stderr).toMatch(/family duo/);
  });

  it('more tokens than all subsets can be asked for', async () => {
    space.write('p.jsonl', JSON.stringify({ continuation: Array(13).fill(40) }));
    const { code, stderr } = await space.run(args('mdlm'));
    expect(code).toBe(2);
    expect(stderr.replaceAll(/\s+/g, ' ')).toMatch(/13 unknown tokens.* 8,191 model calls.* 12 are exact/);
  });

  it('a damaged line, by its number', async () => {
    space.write('p.jsonl', '{"continuation":"a"}\n{');
    const { code, stderr } = await space.run(args('mdlm'));
    expect(code).toBe(4);
    expect(stderr).toMatch(/p\.jsonl, line 2/);
  });
});
