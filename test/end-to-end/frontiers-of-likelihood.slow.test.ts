/** About src/commands/frontier.ts, src/evals/perplexity/run-policies.ts, src/evals/perplexity/policy-plot.ts */
import { beforeAll, describe, expect, it } from 'vitest';
import { fixture } from '../support/run.js';
import { succeed, type Workspace, workspace } from '../support/workspace.js';
import { expectFailure } from './failure.js';
import { figures, resultsOf } from './results.js';

let space: Workspace;
beforeAll(() => {
  space = workspace();
});

const models = ['mdlm', 'ar', 'duo'].flatMap((name) => ['--model', fixture(`markov-${name}.onnx`)]);
const frontier = ['frontier', '--by', 'likelihood', '--length', '32', '--limit', '6', '--json', '--quiet'];

describe('a frontier by likelihood', () => {
  it('has a row for every policy and number of tokens per call, ar exactly, duo with its bound, and a plot', async () => {
    const args = ['--policy', 'random,entropy', '--tokens-per-call', '4,16', '--out', 'page.html'];
    const { results, comparisons } = resultsOf(await succeed(space, [...frontier, ...models, ...args]));
    expect(
      results.map(({ model, protocol, cost }) => [
        model.name,
        protocol.policy,
        protocol.tokensPerCall,
        protocol.estimator,
        cost.modelCalls / cost.sequences,
      ]),
    ).toEqual([
      ['markov-mdlm', 'random', 4, 'exact', 8],
      ['markov-mdlm', 'random', 16, 'exact', 2],
      ['markov-mdlm', 'entropy', 4, 'exact', 8],
      ['markov-mdlm', 'entropy', 16, 'exact', 2],
      ['markov-ar', undefined, undefined, 'exact', 1],
      ['markov-duo', undefined, undefined, 'control-variate', 1],
    ]);
    expect(comparisons).toEqual([]);
    expect(new Set(results.map(({ protocol }) => protocol.name))).toEqual(new Set(['strict']));
    const page = space.read('page.html');
    expect(page).toContain('Likelihood and model calls, sotu');
    expect(page).toContain('markov-duo: the bound is all that can be had');
  });

  it('calls no bound what is none: the mean over times of the protocol duo', async () => {
    const few = ['--policy', 'entropy', '--tokens-per-call', '16'];
    const table = async (...more: string[]) => {
      const run = [...frontier.filter((flag) => flag !== '--json'), ...models, ...few, ...more];
      return (await succeed(space, run)).stdout.replaceAll(/\s+/g, ' ');
    };
    const [strict, duo] = [await table(), await table('--protocol', 'duo')];
    expect(strict).toMatch(/markov-duo bound sotu/);
    expect(strict).not.toContain('--protocol strict gives it');
    expect(duo).toMatch(/markov-duo mean over t sotu/);
    expect(duo).toContain('--protocol strict gives it');
  });

  it('has the rows of ppl', async () => {
    const [masked] = [['--model', fixture('markov-mdlm.onnx')]];
    const policy = ['--policy', 'margin', '--tokens-per-call', '8'];
    const one = resultsOf(await succeed(space, [...frontier, ...masked, ...policy]));
    const ppl = [
      'ppl',
      ...masked,
      '--length',
      '32',
      '--limit',
      '6',
      '--json',
      '--quiet',
      ...['--protocol', 'strict'],
      '--likelihood',
      'exact',
    ];
    expect(figures(one)).toEqual(figures(resultsOf(await succeed(space, [...ppl, ...policy]))));
  });

  it.each([
    [['--model', fixture('markov-duo.onnx')], /family duo/, /mdlm, sedd/],
    [[...models, '--policy', 'entropy,best'], /--policy has no value "best"/, /left-to-right/],
    [[...models, '--tokens-per-call', '1,x'], /--tokens-per-call takes whole numbers/, /./],
    [[...models, '--judge', 'judge.onnx'], /--judge has an effect only with --by entropy/, /./],
  ])('that cannot be is refused: %j', async (args, says, hint) => {
    const ran = await space.run([...frontier.filter((one) => one !== '--json'), ...args]);
    expectFailure(ran, { exit: 2, says, hint });
  });
});
