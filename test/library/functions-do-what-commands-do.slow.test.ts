/** About src/library/perplexity.ts, src/library/samples.ts, src/library/suites.ts, src/library/checkpoints.ts */
import { describe, expect, it } from 'vitest';
import type { Observer, SampleRecord } from '../../src/index.js';
import {
  evaluatePerplexity,
  ModelError,
  openCheckpoint,
  planPerplexity,
  planSuite,
  readResults,
  readSuite,
  runSuite,
  runSuiteCell,
  sample,
  UsageError,
  writeResults,
} from '../../src/index.js';
import { fixture } from '../support/run.js';
import { succeed, workspace } from '../support/workspace.js';

const ar = fixture('markov-ar.onnx');
const duo = fixture('markov-duo.onnx');
const four = { selection: { kind: 'spread', count: 4 } } as const;
const told = () => {
  const heard: string[] = [];
  const observer: Observer = {
    note: (text) => void heard.push(text),
    warn: (text) => void heard.push(text),
    progress: (work, done, total) => void heard.push(`${work} ${done}/${total}`),
  };
  return { heard, observer };
};

describe('openCheckpoint', () => {
  it('takes a name before the path, or as a setting, and what the card does not say', async () => {
    expect((await openCheckpoint(`mine=${ar}`)).name).toBe('mine');
    expect(await openCheckpoint(ar, { name: 'other' })).toMatchObject({ name: 'other', family: 'ar' });
    await expect(openCheckpoint('not-there.onnx')).rejects.toBeInstanceOf(ModelError);
  });
});

describe('evaluatePerplexity', () => {
  it('gives the figures that the command prints, and tells how far it is', async () => {
    const { heard, observer } = told();
    const [mine] = (await evaluatePerplexity({ models: [duo], ...four, sequences: true }, observer)).results;
    const space = workspace();
    const printed = await succeed(space, ['ppl', '--model', duo, '--limit', '4', '--by-sequence', '--json']);
    const [theirs] = JSON.parse(printed.stdout).results;
    expect(mine.metrics).toEqual(theirs.metrics);
    expect(mine.sequences).toEqual(theirs.sequences);
    expect(mine.protocol).toEqual(theirs.protocol);
    expect(heard).toContain('markov-duo on sotu 4/4');
  });

  it('takes opened checkpoints beside names, and refuses two of one name', async () => {
    const opened = await openCheckpoint(ar);
    await expect(evaluatePerplexity({ models: [opened, ar], ...four })).rejects.toBeInstanceOf(UsageError);
  });

  it('gives every loss to onDraw, and the results to keep before it returns them', async () => {
    const draws: number[] = [];
    const kept: object[] = [];
    const results = await evaluatePerplexity({
      ...{ models: [duo], ...four, draws: 2 },
      onDraw: ({ nats }) => draws.push(nats),
      keep: (file) => void kept.push(file),
    });
    expect(draws).toHaveLength(8);
    expect(kept).toEqual([results]);
  });

  it('continues a run whose results were not kept', async () => {
    const task = { models: [duo], ...four, seed: 77 };
    const keep = () => {
      throw new Error('no room');
    };
    await expect(evaluatePerplexity({ ...task, keep })).rejects.toThrow('no room');
    const { heard, observer } = told();
    await evaluatePerplexity(task, observer);
    expect(heard.join('\n')).toMatch(/continuing; 4 sequences were finished/);
  });

  it('throws the reason of the signal', async () => {
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(evaluatePerplexity({ models: [ar], ...four }, { signal })).rejects.toThrow('enough');
  });

  it('is planned without a model call', async () => {
    const plan = await planPerplexity({ models: [duo], ...four, draws: 3 });
    expect(plan).toMatchObject({
      protocol: 'duo',
      provider: 'cpu',
      cells: [{ sequences: 4, modelCalls: 12 }],
    });
  });
});

describe('sample', () => {
  const task = { model: duo, steps: 3, samples: 3, length: 16, seed: 5 };
  const all = async (samples: AsyncIterable<SampleRecord>) => {
    const tokens: number[][] = [];
    for await (const record of samples) tokens.push(record.tokens);
    return tokens;
  };

  it('gives the samples that the command writes', async () => {
    const samples = await sample(task);
    const mine = await all(samples);
    const flags = ['--steps', '3', '--samples', '3', '--length', '16', '--seed', '5', '--json'];
    const printed = JSON.parse((await succeed(workspace(), ['sample', '--model', duo, ...flags])).stdout);
    expect(mine).toEqual(printed.samples.map(({ tokens }: SampleRecord) => tokens));
    expect(samples.header).toMatchObject({ count: 3, length: 16, seed: 5 });
  });

  it('keeps what is finished where the loop is left early', async () => {
    const once = { ...task, seed: 6, batch: 1 };
    for await (const record of await sample(once)) if (record.sample === 1) break;
    const { heard, observer } = told();
    expect(await all(await sample(once, observer))).toHaveLength(3);
    expect(heard.join('\n')).toMatch(/continuing; 2 samples were finished/);
  });

  it('takes options of samplers as values', async () => {
    const samples = await sample({ ...task, sampler: 'psi', samplerOptions: { eta: 0.04 } });
    await samples.close();
    expect(samples.header.sampler.options).toMatchObject({ eta: 0.04 });
    await expect(sample({ ...task, samplerOptions: { nothing: 1 } })).rejects.toBeInstanceOf(UsageError);
  });
});

describe('suites', () => {
  it('are read, planned, and run whole or by the cell, with the same results', async () => {
    const space = workspace();
    const yaml = `models: [${JSON.stringify(ar)}, ${JSON.stringify(duo)}]\ndatasets: [sotu]\nppl: {limit: 4}\n`;
    const suite = await readSuite(space.at(space.write('suite.yaml', yaml)));
    expect((await planSuite(suite, { fresh: true })).cells.map(({ state }) => state)).toEqual([
      'to run',
      'to run',
    ]);
    const [cell] = await runSuiteCell(suite.cells[1]);
    const { heard, observer } = told();
    const whole = await runSuite(suite, {}, observer);
    expect(whole.results.map(({ model }) => model?.name)).toEqual(['markov-ar', 'markov-duo']);
    expect(whole.results[1].metrics).toEqual(cell.metrics);
    expect(heard.join('\n')).not.toMatch(/: markov-duo on/);
    const part = await runSuite(suite, { shard: { part: 2, of: 2 } });
    expect(part.suite.held).toEqual([1]);
    await writeResults(whole, space.at('whole.json'));
    expect((await readResults(space.at('whole.json'))).results).toHaveLength(2);
  });

  it('run no code that was not allowed', async () => {
    const space = workspace();
    const yaml = `models: [${JSON.stringify(duo)}]\ngen: {samplers: [./mine.mjs], samples: 2}\n`;
    const suite = await readSuite(space.at(space.write('suite.yaml', yaml)));
    await expect(runSuiteCell(suite.cells[0])).rejects.toMatchObject({ code: 'code-not-allowed' });
  });
});
