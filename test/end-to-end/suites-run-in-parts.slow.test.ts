/** About src/commands/merge.ts, src/commands/run.ts */
import { rmSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { succeed, type Workspace } from '../support/workspace.js';
import { cells, run, suite, suiteWorkspace, timeless } from './suites-of-three.js';

let space: Workspace;
beforeEach(() => {
  space = suiteWorkspace();
});

describe('a suite in parts', () => {
  it('that ran on machines of their own is the whole, but for how long it took', async () => {
    await succeed(space, run('whole.json'));
    for (const part of [1, 2, 3])
      await succeed(space, run(`part-${part}.json`, '--shard', `${part}/3`), {
        DUO_EVAL_CACHE: space.at(`cache-${part}`),
      });
    await succeed(space, ['merge', 'part-3.json', 'part-1.json', 'part-2.json', '--out', 'merged.json']);
    expect(timeless(space, 'merged.json')).toBe(timeless(space, 'whole.json'));
    const { suite: told, results, comparisons } = JSON.parse(space.read('merged.json'));
    // 3 models × 2 data sets × 2 seeds, and the exact model needs one seed.
    expect(told).toMatchObject({ cells: 12, unneeded: [1, 7] });
    expect(results).toHaveLength(10);
    expect(comparisons).toHaveLength(12);

    const held = JSON.parse(space.read('part-2.json')).suite;
    expect([...held.held, ...held.unneeded].sort((a, b) => a - b)).toEqual([1, 4, 7, 10]);
    for (const [parts, message] of [
      [
        ['part-1.json', 'part-2.json'],
        'Run what is missing: duo-eval run suite.yaml --shard 3/3 --out part-3.json',
      ],
      [['part-1.json', 'part-1.json'], 'both hold cell 1'],
    ] as const) {
      const { code, stderr } = await space.run(['merge', ...parts]);
      expect(code).toBe(6);
      expect(stderr).toContain(message);
    }
  });

  it('that cut its cells into units, on machines with one cache, is the whole; what is missing is named', async () => {
    await succeed(space, run('whole.json'), { DUO_EVAL_CACHE: space.at('cache-whole') });
    await succeed(space, ['run', 'suite.yaml', '--plan', 'plan.json', '--machines', '3']);
    const { units } = JSON.parse(space.read('plan.json')).plan as { units: { cell: number; from: number }[] };
    expect(units.length).toBeGreaterThan(12); // some of the 12 cells are cut
    const planned = ['--plan', 'plan.json'];
    for (const part of [3, 1])
      await succeed(space, run(`part-${part}.json`, ...planned, '--units', `${part}/3`));
    const gather = ['merge', '--from-cache', 'suite.yaml', ...planned, '--out', 'merged.json'];
    const early = await space.run(gather);
    expect(early).toMatchObject({ code: 6, stderr: expect.stringContaining('cells are not finished') });
    const keys = [...early.stderr.matchAll(/--unit (\w{16})/g)].map(([, key]) => key);
    expect(keys.length).toBeGreaterThan(0);
    await succeed(space, run('rest.json', ...planned, ...keys.flatMap((key) => ['--unit', key])));
    await succeed(space, gather);
    expect(timeless(space, 'merged.json')).toBe(timeless(space, 'whole.json'));
  });

  it('whose data set a machine lacks has all other units done, and says which are missing and why', async () => {
    const text = 'It was the best of times, it was the worst of times. '.repeat(400);
    space.write('own.txt', text);
    space.write('suite.yaml', suite().replace('moby-dick', '{name: own, path: own.txt}'));
    await succeed(space, run('whole.json'), { DUO_EVAL_CACHE: space.at('cache-whole') });
    await succeed(space, ['run', 'suite.yaml', '--plan', 'plan.json', '--machines', '2']);
    rmSync(space.at('own.txt'));
    const planned = ['--plan', 'plan.json'];
    for (const part of [1, 2]) {
      const ran = await space.run(['run', 'suite.yaml', ...planned, '--units', `${part}/2`]);
      expect(ran).toMatchObject({
        code: 6,
        stderr: expect.stringMatching(/Cell \d+ failed, and the others/),
      });
      expect(ran.stderr).toContain('own.txt');
    }
    const gather = ['merge', '--from-cache', 'suite.yaml', ...planned, '--out', 'merged.json'];
    const early = await space.run(gather);
    expect(early.code).toBe(6);
    expect(early.stderr).toContain('6 of 12 cells are not finished, the first of them cell 7.');
    expect(early.stderr).toMatch(/Cell 7 cannot be looked up: .*own\.txt/s);
    const there = JSON.parse(space.read('merged.json')).results as { dataset: { name: string } }[];
    expect(there.map(({ dataset }) => dataset.name)).toEqual(Array(5).fill('sotu'));
    space.write('own.txt', text);
    const keys = [...early.stderr.matchAll(/--unit (\w{16})/g)].map(([, key]) => key);
    await succeed(space, run('rest.json', ...planned, ...keys.flatMap((key) => ['--unit', key])));
    await succeed(space, gather);
    expect(timeless(space, 'merged.json')).toBe(timeless(space, 'whole.json'));
  });

  it('of cells that are kept is the whole to the byte, and nothing is run again', async () => {
    await succeed(space, run('whole.json'));
    expect(cells(space)).toHaveLength(10);
    for (const part of [1, 2]) await succeed(space, run(`part-${part}.json`, '--shard', `${part}/2`));
    await succeed(space, ['merge', 'part-1.json', 'part-2.json', '--out', 'merged.json']);
    expect(space.read('merged.json')).toBe(space.read('whole.json'));
    const plan = await succeed(space, ['run', 'suite.yaml', '--dry-run', '--json', '--quiet']);
    const states = (JSON.parse(plan.stdout).cells as { state: string }[]).map(({ state }) => state);
    expect(states.filter((state) => state === 'kept')).toHaveLength(10);
    expect(states.filter((state) => state === 'not needed')).toHaveLength(2);
  });

  it('run again only what changed', async () => {
    await succeed(space, run('first.json'));
    const before = cells(space);
    space.write(
      'suite.yaml',
      suite('limit: 24, draws: 4, batch: 7').replace('seeds: [1, 2]', 'seeds: [1, 3]'),
    );
    await succeed(space, run('second.json'));
    const added = cells(space).filter((name) => !before.includes(name));
    expect(added).toHaveLength(4); // two models that draw, on two data sets, from the new seed
  });
});

describe('a dry run', () => {
  it('lists the cells with an estimate of the time, and keeps nothing', async () => {
    const { stdout } = await succeed(space, ['run', 'suite.yaml', '--dry-run', '--json', '--quiet']);
    const plan = JSON.parse(stdout) as {
      cells: { modelCalls: number; seconds: number; state: string }[];
      seconds: number;
    };
    expect(plan.cells).toHaveLength(12);
    expect(plan.cells[2].modelCalls).toBe(96);
    expect(plan.seconds).toBeGreaterThan(0);
    expect(plan.seconds).toBeCloseTo(
      plan.cells.reduce((sum, { seconds }) => sum + seconds, 0),
      9,
    );
    expect(cells(space)).toEqual([]);
  });
});

describe('a suite file that is wrong', () => {
  it.each([
    [
      'a key that is not there',
      suite('limits: 3'),
      /suite\.yaml, line 7: ppl\.limits: there is no such key here[\s\S]*Did you mean limit\?/,
    ],
    ['a value of another kind', suite('limit: many'), /suite\.yaml, line 7: ppl\.limit: /],
    [
      'a model that is named twice',
      suite().replace('name: masked', 'name: markov-ar'),
      /Two models of suite\.yaml are called "markov-ar"/,
    ],
    ['a model that is not there', suite().replace('markov-ar.onnx', 'none.onnx'), /none\.onnx/],
  ])('is refused: %s', async (_what, text, message) => {
    space.write('suite.yaml', text);
    const { code, stderr } = await space.run(['run', 'suite.yaml']);
    expect([2, 3]).toContain(code);
    expect(stderr).toMatch(message);
  });
});
