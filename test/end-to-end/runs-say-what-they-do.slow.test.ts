/** About src/commands/ppl.ts */
import { beforeAll, describe, expect, it } from 'vitest';
import { fixture } from '../support/run.js';
import { succeed, type Workspace, workspace } from '../support/workspace.js';
import { resultsOf } from './results.js';

let space: Workspace;
beforeAll(() => {
  space = workspace();
});

const models = ['ar', 'mdlm', 'duo'].flatMap((name) => ['--model', fixture(`markov-${name}.onnx`)]);

describe('ppl', () => {
  it('finds no difference between exact models of one source, and prices them alike', async () => {
    const args = ['ppl', ...models, '--dataset', 'sotu', '--dataset', 'moby-dick', '--protocol', 'strict'];
    const { results, comparisons } = resultsOf(
      await succeed(space, [...args, '--limit', '200', '--draws', '2', '--json']),
    );
    expect(results.map(({ model, dataset }) => `${model.name} ${dataset.name}`)).toEqual([
      'markov-ar sotu',
      'markov-mdlm sotu',
      'markov-duo sotu',
      'markov-ar moby-dick',
      'markov-mdlm moby-dick',
      'markov-duo moby-dick',
    ]);
    expect(comparisons).toHaveLength(6);
    for (const { deltaNll, stderr, significant } of comparisons) {
      expect(Math.abs(deltaNll!)).toBeLessThan(4 * stderr!);
      expect(significant).toBe(false);
    }
  });

  it('stops at the precision asked for, after a whole pass, and says when draws did not suffice', async () => {
    const args = ['ppl', ...models.slice(2, 4), '--dataset', 'sotu', '--limit', '60', '--seed', '3'];
    const reached = await succeed(space, [...args, '--until', '0.04', '--draws', '200', '--json']);
    const [{ protocol, metrics, cost }] = resultsOf(reached).results;
    expect(1.96 * metrics.nll.mcStderr!).toBeLessThanOrEqual(0.04);
    expect(protocol).toMatchObject({ until: 0.04 });
    expect(protocol.draws).toBeGreaterThan(1);
    expect(protocol.draws).toBeLessThan(200);
    expect(cost.modelCalls).toBeLessThanOrEqual(60 * protocol.draws!);

    const fixed = await succeed(space, [...args, '--draws', String(protocol.draws), '--json']);
    expect(resultsOf(fixed).results[0].metrics).toEqual(metrics);

    const short = await succeed(space, [...args, '--until', '0.0001', '--draws', '2', '--json']);
    expect(short.stderr).toMatch(/--until 0\.0001 was not reached/);
  });

  it('warns once a data set that the first are no random sample, and of too few for an interval', async () => {
    const args = ['ppl', ...models, '--dataset', 'sotu', '--dataset', 'moby-dick', '--first', '2'];
    const { stderr, stdout } = await succeed(space, args);
    expect(
      stderr.match(/^Warning: sotu: the first 2 of \d+ sequences are not a random sample/gm),
    ).toHaveLength(1);
    expect(stderr.match(/^Warning: moby-dick: the first 2/gm)).toHaveLength(1);
    expect(stderr.match(/^Warning: moby-dick: [12] long documents?: too few for an interval/gm)).toHaveLength(
      1,
    );
    expect(stdout).toMatch(/sotu: only the first 2 of \d+ sequences, not a random sample\./);
  });

  it('keeps stdout to the results, and is silent when told to be', async () => {
    const { stderr, stdout } = await succeed(space, [
      'ppl',
      ...models.slice(0, 2),
      '--limit',
      '2',
      '--quiet',
    ]);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^model +data set +perplexity +95% interval +bits\/byte/);
  });

  it('plans without running under --dry-run', async () => {
    const args = ['ppl', ...models, '--dataset', 'sotu', '--draws', '3', '--dry-run'];
    const { stdout } = await succeed(space, args);
    expect(stdout).toMatch(
      /markov-ar \(ar\) on sotu: (\d+) sequences of 128 tokens, 1 draw each, \1 model calls at most, about .+$/m,
    );
    expect(stdout).toMatch(/markov-duo \(duo\) on sotu: \d+ sequences of 128 tokens, 3 draws each/);
    expect(stdout).toMatch(/^About .+ in all$/m);
    const { cells } = JSON.parse((await succeed(space, [...args, '--limit', '10', '--json'])).stdout);
    for (const { seconds } of cells) expect(seconds).toBeGreaterThan(0);
    expect(cells.map(({ modelCalls }: { modelCalls: number }) => modelCalls)).toEqual([10, 30, 30]);
  });

  it('reads defaults from the environment, and what is typed wins', async () => {
    const env = { DUO_EVAL_LIMIT: '3', DUO_EVAL_JSON: '1', DUO_EVAL_MODEL: `a=${fixture('markov-ar.onnx')}` };
    const [{ model, cost }] = resultsOf(await succeed(space, ['ppl'], env)).results;
    expect([model.name, cost.sequences]).toEqual(['a', 3]);
    const typed = resultsOf(await succeed(space, ['ppl', '--limit', '4'], env));
    expect(typed.results[0].cost.sequences).toBe(4);
  });
});
