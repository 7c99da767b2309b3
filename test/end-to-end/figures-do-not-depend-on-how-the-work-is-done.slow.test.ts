/** About src/commands/ppl.ts */
import { beforeAll, describe, expect, it } from 'vitest';
import { markovChain } from '../../src/models/sources/markov.js';
import { markovDenoiser } from '../../src/models/sources/markov-denoiser.js';
import { fixture } from '../support/run.js';
import { succeed, type Workspace, workspace } from '../support/workspace.js';
import { figures, resultsOf } from './results.js';
import { sharedIsThere, sharedModel } from './shared.js';
import { byteTokens, writeModel } from './small-models.js';

let space: Workspace;
let models: string[];
beforeAll(() => {
  space = workspace();
  const chain = markovChain(
    new Array(byteTokens).fill(1),
    Array.from({ length: byteTokens ** 2 }, (_, i) => 1 + (i % 11)),
  );
  const sedd = writeModel(space, 'sedd', markovDenoiser(chain, 'sedd'), {
    family: 'sedd',
    maskTokenId: byteTokens,
    length: 128,
  });
  const own = ['ar', 'mdlm', 'duo'].map((name) => fixture(`markov-${name}.onnx`));
  // Transformers too, where they are at hand: their matrix products are what a batch could change.
  const trained = sharedIsThere ? ['ar', 'mdlm', 'duo'].map(sharedModel) : [];
  models = [...own, space.at(sedd), ...trained].flatMap((path) => ['--model', path]);
});

const ppl = async (more: string[], { cache = '.cache', limit = '35' } = {}) => {
  const args = ['ppl', ...models, '--dataset', 'sotu', '--limit', limit, '--draws', '2', ...more];
  const env = { DUO_EVAL_CACHE: space.at(cache) };
  return resultsOf(await succeed(space, [...args, '--json', '--quiet'], env));
};

describe('the figures', () => {
  it('are the same to the last bit for every batch, number of threads, and cache', async () => {
    const first = figures(await ppl(['--batch', '1', '--threads', '1'], { cache: 'cache-1' }));
    for (const [batch, threads, cache] of [
      ['32', '1', 'cache-1'],
      ['3', '2', 'cache-2'],
    ]) {
      expect(figures(await ppl(['--batch', batch, '--threads', threads], { cache }))).toEqual(first);
    }
  });

  it('change with the seed, but for ar', async () => {
    const few = { limit: '5' };
    const [one, two] = [await ppl(['--seed', '1'], few), await ppl(['--seed', '2'], few)];
    for (const [i, { model, metrics }] of one.results.entries()) {
      const other = two.results[i].metrics;
      if (model.family === 'ar') expect(other).toEqual(metrics);
      else expect(other.nll.value).not.toBe(metrics.nll.value);
    }
  });

  it('are the same under --json, in the log and in every file', async () => {
    const args = [
      'ppl',
      ...models.slice(0, 6),
      '--dataset',
      'sotu',
      '--limit',
      '20',
      '--draws',
      '3',
      '--quiet',
    ];
    // The log has what each draw found; the default estimator corrects that before it is averaged.
    const plain = ['--estimator', 'plain'];
    const outputs = ['a.json', 'b.csv', 'c.md'].flatMap((path) => ['--out', path]);
    const { stdout } = await succeed(space, [...args, ...plain, ...outputs, '--log-sequences', 'log.jsonl']);
    const { results, comparisons } = resultsOf({ stdout: space.read('a.json') });
    expect(comparisons).toHaveLength(3);

    const log = space
      .read('log.jsonl')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const [header, ...rows] = space.read('b.csv').trim().split('\n');
    for (const [i, { model, metrics, protocol }] of results.entries()) {
      const own = log.filter((line) => line.model === model.name);
      expect(own).toHaveLength(20 * (protocol.draws ?? 1));
      const sum = (key: string) => own.reduce((total, line) => total + line[key], 0);
      expect(sum('nats') / sum('tokens')).toBeCloseTo(metrics.nll.value!, 12);

      const row = rows[i].split(',');
      const cell = (name: string) => row[header.split(',').indexOf(name)];
      expect([cell('model'), Number(cell('ppl')), Number(cell('nll_mc_stderr'))]).toEqual([
        model.name,
        metrics.ppl.value,
        metrics.nll.mcStderr,
      ]);
    }
    // Table and markdown round alike: the perplexities of one are those of the other.
    const shown = (text: string) => [...text.matchAll(/\d+\.\d+ ± \d+\.\d+/g)].map(([figure]) => figure);
    expect(space.read('c.md')).toMatch(/^\| model \| data set \| perplexity \|/);
    expect(shown(space.read('c.md'))).toEqual(expect.arrayContaining(shown(stdout)));
    expect(shown(stdout).length).toBeGreaterThanOrEqual(3);
  });
});
