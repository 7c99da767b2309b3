/** About src/commands/run.ts, src/evals/suite/perplexity.ts */
import { beforeAll, expect, it } from 'vitest';
import { fixture } from '../support/run.js';
import { succeed, type Workspace, workspace } from '../support/workspace.js';
import { expectFailure } from './failure.js';
import { figures, resultsOf } from './results.js';
import { cells, run } from './suites-of-three.js';

let space: Workspace;
beforeAll(() => {
  space = workspace();
});

const suite = (models: string[], likelihood: string) => `
models: [${models.map((name) => fixture(`markov-${name}.onnx`)).join(', ')}]
datasets: [sotu]
ppl: {length: 32, limit: 6, seeds: [1, 2], likelihood: {${likelihood}}}
`;

it('a suite has the rows of ppl, without a second seed where nothing is drawn', async () => {
  space.write('suite.yaml', suite(['mdlm', 'ar'], 'policy: entropy, tokensPerCall: 4, blockSize: 16'));
  await succeed(space, run('suite.json'));
  expect(cells(space)).toHaveLength(2);
  const models = ['mdlm', 'ar'].flatMap((name) => ['--model', fixture(`markov-${name}.onnx`)]);
  const policy = ['--policy', 'entropy', '--tokens-per-call', '4', '--block-size', '16'];
  const ppl = ['ppl', ...models, '--length', '32', '--limit', '6', '--json', '--quiet', '--by-sequence'];
  const alone = resultsOf(await succeed(space, [...ppl, '--likelihood', 'exact', ...policy]));
  expect(figures(resultsOf({ stdout: space.read('suite.json') }))).toEqual(figures(alone));
});

it('a suite in random order has a cell per seed, and its plan has the calls', async () => {
  space.write('suite.yaml', suite(['mdlm'], 'policy: random, tokensPerCall: 8'));
  const { stdout } = await succeed(space, ['run', 'suite.yaml', '--dry-run', '--json', '--quiet']);
  const planned = JSON.parse(stdout).cells as { modelCalls: number; seed: number }[];
  expect(planned.map(({ modelCalls, seed }) => [modelCalls, seed])).toEqual([
    [6 * 4, 1],
    [6 * 4, 2],
  ]);
});

it('a policy that is none is refused with its key', async () => {
  space.write('suite.yaml', suite(['mdlm'], 'policy: best'));
  expectFailure(await space.run(['run', 'suite.yaml']), { exit: 2, says: /ppl\.likelihood\.policy/ });
});
