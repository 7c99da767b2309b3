/** About src/commands/bench.ts, src/commands/frontier.ts */
import { readFileSync } from 'node:fs';
import { parse } from 'csv-parse/sync';
import { beforeAll, describe, expect, it } from 'vitest';
import type { FrontierResult } from '../../src/evals/frontier/record.js';
import { EVALUATIONS } from '../../src/evals/registry.js';
import type { BenchResult } from '../../src/evals/throughput/record.js';
import { parseResults } from '../../src/records/results-file.js';
import { fixture } from '../support/run.js';
import { succeed, type Workspace, workspace } from '../support/workspace.js';
import { expectFailure } from './failure.js';

let space: Workspace;
beforeAll(() => {
  space = workspace();
});

const [ar, mdlm, duo] = ['markov-ar', 'markov-mdlm', 'markov-duo'].map((name) => fixture(`${name}.onnx`));
const small = ['--length', '24', '--samples', '12', '--batch', '2'];

describe('duo-eval bench', () => {
  it('has a row a model and number of steps, with speed, calls, quality and memory', async () => {
    const models = ['--model', ar, '--model', mdlm, '--model', duo, '--steps', '2,4'];
    const outs = ['--out', 'bench.json', '--out', 'bench.csv', '--out', 'bench.md'];
    const judged = ['--judge', ar, '--reference-dataset', 'sotu'];
    const { stdout } = await succeed(space, ['bench', ...models, ...judged, ...small, ...outs]);
    const { results } = parseResults(space.read('bench.json'), 'bench.json', EVALUATIONS);
    const rows = results.filter((row): row is BenchResult => row.eval === 'bench');
    expect(rows.map(({ samples }) => samples.name)).toEqual([
      'markov-ar',
      'markov-mdlm 2',
      'markov-mdlm 4',
      'markov-duo 2',
      'markov-duo 4',
    ]);
    expect(results[5].eval).toBe('gen');
    for (const { throughput, metrics, samples } of rows) {
      expect(throughput.rounds).toBe(6);
      expect(samples.count).toBe(12);
      expect(throughput.tokensPerSecond.ci95![0]).toBeGreaterThan(0);
      expect(throughput.harnessShare).toBeGreaterThanOrEqual(0);
      expect(throughput.harnessShare).toBeLessThan(1);
      expect(throughput.peakMemoryBytes).toBeGreaterThan(40e6);
      expect(throughput.warmupSeconds).toBeGreaterThan(0);
      expect(metrics.genPpl.value).toBeGreaterThan(1);
      expect(metrics.entropy.value).toBeGreaterThan(1);
    }
    // Uniform states take a call more: the last removes the noise that is left.
    expect(rows.map(({ samples }) => samples.nfe).slice(3)).toEqual([3, 5]);
    expect(rows[0].throughput.speedUpOverAr).toBe(1);
    expect(rows[2].throughput.speedUpOverMasked).toBe(1);
    const onFront = rows.filter(({ throughput }) => throughput.pareto);
    expect(onFront.length).toBeGreaterThan(0);
    expect(stdout).toContain(`* ${onFront[0].samples.name}`);
    expect(parse(space.read('bench.csv'), { columns: true })).toHaveLength(6);
    expect(space.read('bench.md')).toContain('| configuration |');
  });

  it('times the samples that sample writes', async () => {
    const bench = ['bench', '--model', duo, '--steps', '3', ...small, '--no-memory', '--json'];
    const { cells, seconds } = JSON.parse((await succeed(space, [...bench, '--dry-run'])).stdout);
    expect(cells).toMatchObject([{ model: 'markov-duo', dataset: 'ancestral, 3 steps', state: 'to run' }]);
    expect(seconds).toBe(cells[0].seconds);
    const [row] = parseResults((await succeed(space, bench)).stdout, 'stdout', EVALUATIONS)
      .results as BenchResult[];
    expect([row.throughput.peakMemoryBytes, row.throughput.pareto, row.judge]).toEqual([null, null, null]);
    const sample = ['sample', '--model', duo, '--steps', '3', ...small, '--out', 'samples.jsonl'];
    await succeed(space, sample);
    const gen = await succeed(space, ['gen', 'samples.jsonl', '--json']);
    const [measured] = parseResults(gen.stdout, 'stdout', EVALUATIONS).results;
    expect(measured.metrics).toEqual(row.metrics);
  });

  it.each([
    [['--steps', '0'], 2, '--steps takes whole numbers'],
    [['--steps', '2', '--sampler', 'analytic'], 2, 'None of the samplers drives markov-duo'],
    [['--steps', '2', '--model', duo], 2, 'Two models are called'],
    [['--steps', '2', '--judge', duo], 3, 'a judge must be autoregressive'],
  ])('ends in a sentence for %j', async (args, exit, says) => {
    expectFailure(await space.run(['bench', '--model', duo, ...small, ...args]), { exit, says });
  });
});

describe('duo-eval frontier', () => {
  const args = ['frontier', '--model', duo, '--steps', '3', ...small, '--judge', ar];

  it('interpolates at the entropy of real text, or one that is given, inside the sweep', async () => {
    const sweep = ['--temperatures', '1.2,0.5,0.8'];
    const { results } = parseResults(
      (await succeed(space, [...args, ...sweep, '--json'])).stdout,
      'stdout',
      EVALUATIONS,
    );
    const [row] = results as FrontierResult[];
    expect(row.points.map(({ temperature }) => temperature)).toEqual([0.5, 0.8, 1.2]);
    expect(row.target.dataset).toBe('sotu');
    const [low, , high] = row.points.map(({ entropy }) => entropy.value!);
    expect(low).toBeLessThan(high);
    const middle = String((low + high) / 2);
    const given = await succeed(space, [...args, ...sweep, '--entropy', middle, '--json']);
    const [at] = parseResults(given.stdout, 'stdout', EVALUATIONS).results as FrontierResult[];
    expect(at.target).toEqual({ entropy: Number(middle), dataset: null });
    const perplexities = row.points.map(({ genPpl }) => genPpl.value!);
    expect(at.metrics.genPpl.value).toBeGreaterThanOrEqual(Math.min(...perplexities));
    expect(at.metrics.genPpl.value).toBeLessThanOrEqual(Math.max(...perplexities));
    expect(at.temperature).toBeGreaterThan(0.5);
    expect(at.temperature).toBeLessThan(1.2);
  });

  it('says where a sweep does not reach, and what it needs', async () => {
    const far = await succeed(space, [...args, '--temperatures', '1', '--entropy', '9']);
    expect(far.stdout.replace(/\s+/g, ' ')).toContain('no temperature of the sweep reaches this entropy');
    expectFailure(await space.run(['frontier', '--model', duo]), {
      exit: 2,
      says: 'A frontier needs a judge',
    });
    expectFailure(await space.run([...args, '--temperatures', '0,1']), { exit: 2, says: 'numbers above 0' });
  });

  it('refuses models of different tokenizers', async () => {
    const tokenizer = readFileSync(fixture('tokenizer/tokenizer.json'), 'utf8');
    space.write('other/tokenizer.json', `${tokenizer} `);
    const card = JSON.parse(readFileSync(fixture('markov-mdlm.card.json'), 'utf8'));
    space.write('other.card.json', JSON.stringify({ ...card, tokenizer: './other' }));
    space.write('other.onnx', readFileSync(mdlm));
    expectFailure(await space.run([...args, '--model', 'other.onnx', '--entropy', '3']), {
      exit: 2,
      says: 'have different tokenizers, so their entropies do not compare',
    });
  });
});
