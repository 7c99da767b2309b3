/**
 * About src/commands/run.ts, src/commands/merge.ts, src/evals/suite/generation.ts, src/evals/suite/tasks.ts, src/evals/suite/perplexity.ts,
 * src/evals/generation/judged-texts.ts, src/evals/tasks/run.ts, src/sampling/sample-journal.ts
 */
import { describe, expect, it } from 'vitest';
import { fixture } from '../support/run.js';
import { succeed, type Workspace, workspace } from '../support/workspace.js';

const MODELS = (...names: string[]) => `models: [${names.map((name) => fixture(name)).join(', ')}]`;
const JUDGE = `judge: {path: ${fixture('markov-ar.onnx')}, name: exact}`;
const MODULE = `export default {
  name: 'batches',
  summary: 'Writes how many samples share its batch.',
  families: ['mdlm', 'duo'],
  async *sample(run) { run.tokens.fill(64 + run.batch); yield; },
};`;
const CHOICES = `
task: pairs
kind: choices
data: {files: {test: d.jsonl}}
split: test
prompt: "{{before}}"
choices: "{{answers}}"
target: "{{right}}"
`;
const WRITTEN = `
task: written
kind: generation
data: {files: {test: d.jsonl}}
split: test
prompt: "{{before}}"
target: "{{answers[right]}}"
generation: {tokens: 6}
`;
const DOCUMENTS = Array.from({ length: 21 }, (_, i) => ({
  before: `We have ${i} states of the`.slice(i % 5),
  answers: ['Union', 'purple dog', 'country'].slice(0, 2 + (i % 2)),
  right: i % 2,
}));

const SUITES: [what: string, cells: number, suite: string][] = [
  [
    'samples, judged',
    4,
    `${MODELS('markov-mdlm.onnx', 'markov-duo.onnx')}
gen: {${JUDGE}, steps: [2, 3], samples: 13, length: 64}`,
  ],
  [
    'samples that are written from left to right, judged',
    2,
    `${MODELS('ar.onnx', 'bd3lm.onnx')}
gen: {${JUDGE}, steps: [40], samples: 9, length: 64}`,
  ],
  [
    'samples of a module that looks at its batch, and of samplers that keep what they wrote',
    5,
    `${MODELS('markov-mdlm.onnx', 'markov-duo.onnx')}
gen: {samplers: [./batches.mjs, confidence, {name: psi, options: {preset: remdm-cap, eta: 0.04}}], steps: [3], samples: 14, length: 32, batch: 4}`,
  ],
  [
    'tasks whose draws end when a pick is settled',
    2,
    `${MODELS('markov-mdlm.onnx', 'markov-duo.onnx')}
tasks: {tasks: [pairs.yaml], likelihood: bound, draws: 64, until: 0.1}`,
  ],
  [
    'tasks that write',
    2,
    `${MODELS('mdlm.onnx', 'ar.onnx')}
tasks: {tasks: [written.yaml], steps: 4}`,
  ],
  [
    'tasks under a policy',
    2,
    `${MODELS('ar.onnx', 'mdlm.onnx')}
tasks: {tasks: [pairs.yaml], likelihood: {policy: max-probability, tokensPerCall: 2}}`,
  ],
  [
    'exact likelihoods under a policy',
    2,
    `${MODELS('mdlm.onnx', 'bd3lm.onnx')}
datasets: [sotu]
ppl: {length: 64, limit: 13, likelihood: {policy: entropy, tokensPerCall: 4, blockSize: 8}}`,
  ],
  [
    'exact likelihoods in random order, from two seeds',
    2,
    `${MODELS('mdlm.onnx')}
datasets: [sotu]
ppl: {length: 32, limit: 11, seeds: [1, 2], batch: 3, likelihood: {policy: random, tokensPerCall: 8}}`,
  ],
];

/** A results file without how long things took. */
const timeless = (space: Workspace, name: string) =>
  space.read(name).replace(/^\s*"(wallSeconds|tokensPerSecond|seconds)":.*$/gm, '');

describe('cells of a suite, cut into units', () => {
  it.each(SUITES)('are, joined, those of one process to the last bit: %s', async (_what, cells, suite) => {
    const space = workspace();
    for (const [name, text] of Object.entries({
      'suite.yaml': suite,
      'batches.mjs': MODULE,
      'pairs.yaml': CHOICES,
      'written.yaml': WRITTEN,
      'd.jsonl': DOCUMENTS.map((one) => JSON.stringify(one)).join('\n'),
    }))
      space.write(name, text);
    const run = (...more: string[]) => ['run', 'suite.yaml', '--quiet', '--allow-code', ...more];
    await succeed(space, run('--out', 'whole.json'), { DUO_EVAL_CACHE: space.at('cache-whole') });
    const planned = ['--plan', 'plan.json'];
    await succeed(space, run(...planned, '--machines', '2'));
    const { units } = JSON.parse(space.read('plan.json')).plan as { units: { cell: number; from: number }[] };
    const cut = new Set(units.filter(({ from }) => from > 0).map(({ cell }) => cell));
    expect(cut.size).toBe(cells);
    await succeed(space, run(...planned, '--units', '2/2', '--out', 'part-2.json'));
    const merge = ['merge', '--from-cache', 'suite.yaml', ...planned, '--allow-code', '--quiet'];
    const early = await space.run([...merge, '--out', 'merged.json']);
    expect(early).toMatchObject({ code: 6, stderr: expect.stringContaining('Units that are missing') });
    await succeed(space, run(...planned, '--units', '1/2', '--out', 'part-1.json'));
    await succeed(space, [...merge, '--out', 'merged.json']);
    expect(timeless(space, 'merged.json')).toBe(timeless(space, 'whole.json'));
  });
});
