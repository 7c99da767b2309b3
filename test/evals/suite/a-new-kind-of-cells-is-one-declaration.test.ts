/** About src/evals/suite/cell.ts, src/evals/suite/kinds.ts, src/evals/suite/run-suite.ts, src/evals/suite/suite-file.ts */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import type { Result } from '../../../src/evals/registry.js';
import { isInShard } from '../../../src/evals/shard.js';
import type { Cell, CellKind, CellRequest, SuiteSettings } from '../../../src/evals/suite/cell.js';
import { CELL_KINDS } from '../../../src/evals/suite/kinds.js';
import { workspace } from '../../support/workspace.js';

interface GuessCell extends CellRequest {
  model: { name: string; path: string };
  dataset: { name: string };
  guesses: number;
}

const ran: string[] = [];
const opened: number[] = [];

/** Guesses of every model on every data set; nothing new is learned from none. */
const guessing: CellKind<{ guesses: number[]; sampler?: string }, GuessCell> = {
  name: 'guess',
  schema: z.strictObject({ guesses: z.array(z.int()), sampler: z.string().optional() }),
  readsDatasets: true,
  hasOneResult: true,
  requests: ({ guesses }, { models, datasets, first }) =>
    models
      .flatMap((model) => datasets.flatMap((dataset) => guesses.map((one) => ({ model, dataset, one }))))
      .map(({ model, dataset, one }, i) => ({
        eval: 'guess',
        index: first + i,
        model,
        dataset,
        guesses: one,
      })),
  checkpoints: ({ model }) => [model.path],
  samplers: () => ['./guess.mjs'],
  group: ({ model }) => model.name,
  async check(cells) {
    if (cells.some(({ guesses }) => guesses > 9)) throw new RangeError('too many guesses');
  },
  open(cells, _suite, _observer, work) {
    opened.push(cells.length);
    return work(cells.map(cellOf));
  },
};

function cellOf({ index, model, dataset, guesses }: GuessCell): Cell {
  const result = { eval: 'guess', model: { name: model.name }, dataset: { name: dataset.name }, guesses };
  return {
    index,
    key: guesses === 0 ? null : { guess: [model.name, dataset.name, guesses] },
    plan: (state) => ({
      ...{ model: model.name, dataset: dataset.name, seed: null },
      ...{ sequences: guesses, draws: 1, modelCalls: guesses, weight: guesses, state },
    }),
    named: (kept) => kept,
    learn() {},
    estimate: async () => async () => 2 * guesses,
    async run(keep) {
      ran.push(`${model.name} on ${dataset.name}`);
      await keep([result as unknown as Result]);
    },
  };
}

const space = workspace();
const before = process.env.DUO_EVAL_CACHE;
beforeAll(() => {
  process.env.DUO_EVAL_CACHE = space.at('.cache');
  (CELL_KINDS as CellKind[]).push(guessing as CellKind);
});
afterAll(() => {
  if (before === undefined) delete process.env.DUO_EVAL_CACHE;
  else process.env.DUO_EVAL_CACHE = before;
});

const never = () => Promise.reject(new Error());
const settings: SuiteSettings = { provider: 'cpu', fresh: false, open: never, fetchSplit: never };
const observer = { finished() {} };
const read = async (guess: string, datasets = '[sotu, moby-dick]') => {
  const { readSuite } = await import('../../../src/evals/suite/suite-file.js');
  space.write('suite.yaml', `models: [one.onnx, two.onnx]\ndatasets: ${datasets}\nguess: ${guess}\n`);
  return readSuite(space.at('suite.yaml'));
};

it('is read from its key in the file, in shards too', async () => {
  const { cells } = await read('{guesses: [0, 3]}');
  expect(cells.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  expect(cells.filter(({ index }) => isInShard(index, { part: 2, of: 3 }))).toHaveLength(3);
  await expect(read('{guesses: [three]}')).rejects.toThrow('guess.guesses');
  await expect(read('{guesses: [1]}', '[]')).rejects.toThrow('guess needs data sets');
  const { checkCode, checkpointsOf } = await import('../../../src/evals/suite/suite-file.js');
  expect(checkpointsOf(cells[0])).toEqual([space.at('one.onnx')]);
  expect(() => checkCode(cells, false)).toThrow('./guess.mjs');
});

it('is planned, run group by group, kept and not run again', async () => {
  const { planSuite, runSuite } = await import('../../../src/evals/suite/run-suite.js');
  const { cells } = await read('{guesses: [0, 3]}');
  const request = { ...settings, cells };
  const plan = await planSuite(request, observer);
  expect(plan.seconds).toBe(24);
  expect(plan.cells.slice(0, 2)).toMatchObject([
    { cell: 1, eval: 'guess', model: 'one', dataset: 'sotu', state: 'not needed', seconds: 0 },
    { cell: 2, state: 'to run', modelCalls: 3, seconds: 6 },
  ]);
  opened.length = 0;
  const results = await runSuite(request, observer);
  expect(opened).toEqual([4, 4]);
  expect(ran).toEqual(['one on sotu', 'one on moby-dick', 'two on sotu', 'two on moby-dick']);
  expect(results.filter((one) => one.results.length === 1)).toHaveLength(4);
  expect(await runSuite(request, observer)).toHaveLength(8);
  expect(ran).toHaveLength(4);
  expect((await planSuite(request, observer)).cells[1]).toMatchObject({ state: 'kept', seconds: 0 });
});

it('is looked at before anything runs', async () => {
  const { runSuite } = await import('../../../src/evals/suite/run-suite.js');
  const { cells } = await read('{guesses: [4, 10]}');
  await expect(runSuite({ ...settings, cells }, observer)).rejects.toThrow('too many guesses');
  expect(ran).toHaveLength(4);
});
