/** About src/commands/run.ts, src/commands/merge.ts */
import { beforeAll, describe, expect, it } from 'vitest';
import { fixture } from '../support/run.js';
import { succeed, type Workspace, workspace } from '../support/workspace.js';

let space: Workspace;
beforeAll(() => {
  space = workspace();
});

const suite = (samplers: string) => `
models: [${fixture('markov-mdlm.onnx')}, ${fixture('markov-duo.onnx')}]
datasets: [sotu]
ppl: {limit: 8}
gen:
  judge: {path: ${fixture('markov-ar.onnx')}, name: exact}
  samplers: ${samplers}
  steps: [2, 4]
  samples: 4
  length: 32
`;
const run = (...more: string[]) => ['run', 'suite.yaml', '--quiet', ...more];
const timeless = (text: string) =>
  text.replace(/^\s*"(wallSeconds|tokensPerSecond|seconds|secondsInRuntime)":.*$/gm, '');

describe('the part gen of a suite', () => {
  it('samples every model by every sampler that drives it, and judges the texts', async () => {
    space.write('suite.yaml', suite('[ancestral, confidence]'));
    await succeed(space, run('--out', 'whole.json'));
    const { suite: told, results } = JSON.parse(space.read('whole.json'));
    // 2 perplexities; 2 models × 2 samplers × 2 numbers of steps, and confidence does not drive the uniform model.
    expect(told.cells).toBe(10);
    expect(told.unneeded).toEqual([8, 9]);
    type Row = {
      eval: string;
      model: { name: string };
      judge: { name: string };
      samples: { sampler: { name: string; steps: number } };
      metrics: { genPpl: { value: number } };
    };
    const texts = (results as Row[]).filter((row) => row.eval === 'gen');
    expect(texts.map(({ model, samples: { sampler } }) => [model.name, sampler.name, sampler.steps])).toEqual(
      [
        ['markov-mdlm', 'ancestral', 2],
        ['markov-mdlm', 'ancestral', 4],
        ['markov-mdlm', 'confidence', 2],
        ['markov-mdlm', 'confidence', 4],
        ['markov-duo', 'ancestral', 2],
        ['markov-duo', 'ancestral', 4],
      ],
    );
    expect(texts.every(({ judge, metrics }) => judge.name === 'exact' && metrics.genPpl.value > 1)).toBe(
      true,
    );
  });

  it('says the same as gen does', async () => {
    const alone = await succeed(space, [
      ...[
        'gen',
        '--model',
        fixture('markov-duo.onnx'),
        '--judge',
        `exact=${fixture('markov-ar.onnx')}`,
        '--steps',
        '4',
      ],
      ...['--samples', '4', '--length', '32', '--sampler', 'ancestral', '--json', '--quiet'],
    ]);
    const [expected] = JSON.parse(alone.stdout).results;
    const { results } = JSON.parse(space.read('whole.json'));
    expect(results.at(-1).metrics).toEqual(expected.metrics);
    expect(results.at(-1).samples.sha256).toBe(expected.samples.sha256);
  });

  it('runs in parts as a whole, and keeps what is done', async () => {
    for (const part of [1, 2, 3])
      await succeed(space, run('--shard', `${part}/3`, '--out', `part-${part}.json`), {
        DUO_EVAL_CACHE: space.at(`cache-${part}`),
      });
    await succeed(space, ['merge', 'part-1.json', 'part-2.json', 'part-3.json', '--out', 'merged.json']);
    expect(timeless(space.read('merged.json'))).toBe(timeless(space.read('whole.json')));
    await succeed(space, run('--out', 'again.json'));
    expect(space.read('again.json')).toBe(space.read('whole.json'));
  });

  it('runs a module of someone’s only when that is allowed', async () => {
    space.write(
      'clean.mjs',
      `export default { name: 'clean', summary: 'One step.', families: ['mdlm', 'duo'], async *sample(run) { run.tokens.fill(65); yield; } };`,
    );
    space.write('suite.yaml', suite('[./clean.mjs]').replace('[2, 4]', '[1]'));
    const refused = await space.run(run());
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('--allow-code');
    const allowed = await space.run(run('--allow-code', '--json'));
    expect(allowed.stderr).toBe('');
    const rows = JSON.parse(allowed.stdout).results as {
      eval: string;
      samples?: { sampler: { name: string } };
    }[];
    expect(rows.filter((row) => row.samples?.sampler.name === 'clean')).toHaveLength(2);
  });
});
