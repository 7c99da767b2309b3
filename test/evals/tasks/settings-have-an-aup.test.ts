/** About src/evals/tasks/parallelism.ts, src/library/tasks.ts, src/evals/tasks/generated-items.ts, src/evals/suite/tasks.ts */
import { beforeAll, describe, expect, it } from 'vitest';
import { EVALUATIONS } from '../../../src/evals/registry.js';
import type { ItemLine } from '../../../src/evals/tasks/item-lines.js';
import { withAup } from '../../../src/evals/tasks/parallelism.js';
import type { TasksResult } from '../../../src/evals/tasks/record.js';
import { evaluateTasks } from '../../../src/library/tasks.js';
import { readResults } from '../../../src/records/results-file.js';
import { temporaryFolder } from '../../support/folder.js';
import { fixture } from '../../support/run.js';
import { succeed, type Workspace, workspace } from '../../support/workspace.js';

const TASK = `
task: go_on
kind: generation
data: {files: {test: d.jsonl}}
split: test
prompt: "{{input}}"
target: "{{output}}"
generation: {tokens: 12, trim: false}
`;
const INPUTS = [
  'We',
  'My fellow',
  'And to',
  'God bless',
  'Our',
  'The state',
  'Tonight',
  'In the',
  'I ask',
  'They',
];

let space: Workspace;
let results: TasksResult[];

/** The right answers are those that the fixture itself writes, one token a call: with fewer calls it has fewer of them right. */
beforeAll(async () => {
  space = workspace();
  process.env.DUO_EVAL_CACHE = temporaryFolder().root;
  const documents = (answers: readonly string[]) =>
    space.write(
      'd.jsonl',
      INPUTS.map((input, i) => JSON.stringify({ input, output: answers[i] ?? '?' })).join('\n'),
    );
  documents([]);
  space.write('t.yaml', TASK);
  const lines: ItemLine[] = [];
  const asked = { models: [fixture('bd3lm.onnx')], tasks: [space.at('t.yaml')], threads: 1 };
  await evaluateTasks({ ...asked, steps: 12, sampler: 'unmask', onItem: (line) => lines.push(line) });
  documents(lines.map(({ generated }) => generated ?? ''));
  const file = await evaluateTasks({ ...asked, sampler: 'unmask', steps: [12, 6, 2], byItem: true });
  results = file.results;
});

describe('several numbers of steps', () => {
  it('are a row each, and AUP stands on the slowest', () => {
    expect(results.map(({ protocol }) => protocol.steps)).toEqual([12, 6, 2]);
    expect(results[0].metrics.exactMatch?.value).toBe(1);
    const points = results.map(({ metrics }) => metrics.tokensPerForward?.value ?? 0);
    expect(points[0]).toBeLessThan(points[1]);
    expect(points[1]).toBeLessThan(points[2]);
    expect(results.map(({ metrics }) => metrics.aup !== undefined)).toEqual([true, false, false]);
    const { aup } = results[0];
    expect(aup).toMatchObject({ best: 1, isGiven: false });
    // by hand, of the points that count
    const counted = (aup?.points ?? []).filter(({ counts }) => counts);
    const area = counted.reduce((sum, point, i) => {
      if (i === 0) return point.tokensPerForward * point.accuracy * 100;
      const weighed = ({ accuracy }: typeof point) => 100 * accuracy * Math.exp(-3 * (1 - accuracy));
      const width = point.tokensPerForward - counted[i - 1].tokensPerForward;
      return sum + (width * (weighed(point) + weighed(counted[i - 1]))) / 2;
    }, 0);
    expect(results[0].metrics.aup?.value).toBeCloseTo(area, 9);
    expect(results[0].metrics.aup?.ci95).not.toBeNull();
  });

  it('are weighed by the accuracy that is given', () => {
    const [given] = withAup(results, 1);
    expect(given.metrics.aup?.value).toBeCloseTo(results[0].metrics.aup?.value ?? 0, 12);
    expect(given.aup?.isGiven).toBe(true);
    const flat = results.map(
      (one): TasksResult => ({
        ...one,
        metrics: { ...one.metrics, exactMatch: results[0].metrics.exactMatch },
      }),
    );
    const [least] = withAup(flat, 1);
    expect(withAup(flat, 0.5)[0].metrics.aup?.value).toBeCloseTo(least.metrics.aup?.value ?? 0, 9); // W is at most 1
  });

  it('have no interval where nothing of single items is held', () => {
    const without = results.map(({ byItem: _, ...one }) => one as TasksResult);
    const [one] = withAup(without);
    expect(one.metrics.aup).toMatchObject({ value: results[0].metrics.aup?.value, stderr: null, ci95: null });
  });

  it('stand in the table, in CSV and in a file, and a model of one setting beside them', async () => {
    const { stdout } = await succeed(space, [
      ...['tasks', '--model', fixture('bd3lm.onnx'), '--model', fixture('ar.onnx'), '--task', 't.yaml'],
      ...[
        '--sampler',
        'unmask',
        '--steps',
        '12,2',
        '--best-accuracy',
        '100',
        '--out',
        'r.json',
        '--out',
        'r.csv',
      ],
    ]);
    expect(stdout).toMatch(/^task +model +steps +exact match +TPF +AUP/m);
    expect(stdout).toContain('as given (d3LLM)');
    const rows = readResults(space.at('r.json'), EVALUATIONS).results as unknown as TasksResult[];
    expect(rows.map(({ model, metrics }) => [model.name, metrics.aup?.value !== undefined])).toEqual([
      ['bd3lm', true],
      ['bd3lm', false],
      ['ar', true],
    ]);
    const [, , ar] = rows;
    expect(ar.metrics.tokensPerForward?.value).toBe(1);
    expect(ar.metrics.aup?.value).toBeCloseTo(100 * (ar.metrics.exactMatch?.value ?? 0), 9);
    expect(space.read('r.csv').split('\n')[0]).toContain(',steps,tokens_per_forward,');
    await succeed(space, ['report', 'r.json']);
  });

  it('are cells of a suite, where what has one setting has one cell, and the same AUP', async () => {
    space.write(
      'suite.yaml',
      `models: [${fixture('bd3lm.onnx')}, ${fixture('ar.onnx')}]\ntasks: {tasks: [t.yaml], samplers: [unmask], steps: [12, 2]}\n`,
    );
    await succeed(space, ['run', 'suite.yaml', '--threads', '1', '--out', 's.json']);
    const file = readResults(space.at('s.json'), EVALUATIONS);
    const rows = file.results as unknown as TasksResult[];
    expect(rows.map(({ model, protocol }) => [model.name, protocol.steps])).toEqual([
      ['bd3lm', 12],
      ['bd3lm', 2],
      ['ar', null],
    ]);
    const alone = withAup([results[0], results[2]], 1)[0];
    expect(rows[0].metrics.aup?.value).toBeCloseTo(alone.metrics.aup?.value ?? 0, 9);
  });

  it('of several samplers are cells, too, as far as they fit a model', async () => {
    const samplers = ['unmask', 'unmask:threshold=0.6', 'ancestral'];
    space.write(
      'samplers.yaml',
      `models: [${fixture('bd3lm.onnx')}, ${fixture('ar.onnx')}]\ntasks: {tasks: [t.yaml], samplers: [unmask, {name: unmask, options: {threshold: 0.6}}, psi, ancestral], steps: [12, 2]}\n`,
    );
    const { stdout } = await succeed(space, ['run', 'samplers.yaml', '--threads', '1', '--out', 'm.json']);
    expect(stdout).toContain('unmask threshold=0.6');
    const rowsOf = (file: string) =>
      readResults(space.at(file), EVALUATIONS).results as unknown as TasksResult[];
    const named = (rows: readonly TasksResult[]) =>
      rows.map(({ model, protocol, metrics }) => [
        ...[model.name, protocol.sampler, protocol.samplerOptions?.threshold ?? null, protocol.steps],
        ...[metrics.exactMatch, metrics.aup?.value],
      ]);
    const flags = ['--task', 't.yaml', '--steps', '12,2', ...samplers.flatMap((one) => ['--sampler', one])];
    const models = ['bd3lm.onnx', 'ar.onnx'].flatMap((one) => ['--model', fixture(one)]);
    await succeed(space, ['tasks', ...models, ...flags, '--threads', '1', '--out', 'command.json']);
    expect(named(rowsOf('m.json'))).toEqual(named(rowsOf('command.json')));
    expect(rowsOf('m.json')).toHaveLength(3 * 2 + 1);
    await succeed(space, ['report', 'm.json', '--out', 'again.yaml']);
    const again = await succeed(space, ['run', 'again.yaml', '--threads', '1', '--dry-run']);
    expect(again.stdout).toMatch(/\n0 of \d+ cells to run/);
  });
});
