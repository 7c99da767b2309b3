/** About src/commands/merge.ts, src/evals/merged-files.ts, src/evals/tasks/item-rows.ts, src/evals/suite/tasks.ts, src/evals/shard.ts */
import { beforeAll, expect, it } from 'vitest';
import { fixture } from '../support/run.js';
import { succeed, type Workspace, workspace } from '../support/workspace.js';
import { expectFailure } from './failure.js';

const CHOICES = `
task: pairs
kind: choices
data: {files: {test: d.jsonl}}
split: test
prompt: "{{before}}"
choices: "{{answers}}"
target: "{{right}}"
cluster: "{{talk}}"
`;
const TEXT = `
task: texts
kind: text
data: {files: {test: d.jsonl}}
split: test
target: "{{before}} {{answers[right]}}"
`;
const DOCUMENTS = [
  { before: 'The state of the', answers: ['purple dog', 'Union'], right: 1, talk: 'a' },
  { before: 'And tonight I ask the', answers: ['Congress', 'zebra', 'of the'], right: 0, talk: 'b' },
  { before: 'My fellow', answers: ['Americans', 'qqqq'], right: 0, talk: 'a' },
  { before: 'God bless', answers: ['you', 'American people'], right: 1, talk: 'c' },
  { before: 'We will', answers: ['banana', 'not'], right: 1, talk: 'b' },
];

let space: Workspace;
beforeAll(() => {
  space = workspace();
  space.write('pairs.yaml', CHOICES);
  space.write('texts.yaml', TEXT);
  space.write('d.jsonl', DOCUMENTS.map((one) => JSON.stringify(one)).join('\n'));
});
const run = (...more: string[]) => [
  'tasks',
  ...['ar.onnx', 'markov-mdlm.onnx', 'markov-duo.onnx'].flatMap((name) => ['--model', fixture(name)]),
  ...[
    '--task',
    'pairs.yaml,texts.yaml',
    '--likelihood',
    'bound',
    '--draws',
    '8',
    '--by-item',
    '--quiet',
    ...more,
  ],
];
/** All of the results but how long they took. */
const figures = (text: string) =>
  JSON.parse(text).results.map(({ cost, ...others }: { cost: object }) => ({
    ...others,
    cost: { ...cost, wallSeconds: null, tokensPerSecond: null },
  }));

it('parts of tasks merge to the whole run, to the last bit', async () => {
  for (const i of ['1', '2', '3']) await succeed(space, run('--shard', `${i}/3`, '--out', `part-${i}.json`));
  await succeed(space, run('--out', 'whole.json'));
  await succeed(space, [
    'merge',
    'part-3.json',
    'part-1.json',
    'part-2.json',
    '--out',
    'merged.json',
    '--quiet',
  ]);
  expect(figures(space.read('merged.json'))).toEqual(figures(space.read('whole.json')));

  expectFailure(await space.run(['merge', 'part-1.json', 'part-3.json']), {
    exit: 6,
    says: /Part 2 of 3 of "ar" on "pairs"/,
  });
  expectFailure(await space.run(['merge', 'part-1.json', 'part-1.json']), {
    exit: 6,
    says: /both hold part 1 of 3/,
  });
  expectFailure(await space.run(['merge', 'part-1.json', 'whole.json']), {
    exit: 6,
    says: /no part of a suite/,
  });
});

it('a suite has the rows of tasks, keeps them, and is asked in the terms of its file', async () => {
  const [ar, mdlm] = ['ar.onnx', 'markov-mdlm.onnx'].map(fixture);
  const suite = (tasks: string) => space.write('suite.yaml', `models: [${ar}, ${mdlm}]\ntasks: ${tasks}\n`);
  suite('{tasks: [pairs.yaml, texts.yaml], likelihood: bound, draws: 8}');
  const args = ['run', 'suite.yaml', '--quiet'];
  const planned = JSON.parse((await succeed(space, [...args, '--dry-run', '--json'])).stdout).cells;
  expect(planned.map((one: { state: string; dataset: string }) => [one.state, one.dataset])).toEqual([
    ['to run', 'pairs'],
    ['to run', 'pairs'],
    ['to run', 'texts'],
    ['to run', 'texts'],
  ]);
  await succeed(space, [...args, '--out', 'suite.json']);
  const alone = figures(space.read('whole.json')).filter(
    ({ model }: { model: { name: string } }) => model.name !== 'markov-duo',
  );
  expect(figures(space.read('suite.json'))).toEqual(alone);
  const again = JSON.parse((await succeed(space, [...args, '--dry-run', '--json'])).stdout).cells;
  expect(again.every(({ state }: { state: string }) => state === 'kept')).toBe(true);

  suite('{tasks: [pairs.yaml], likelihood: best}');
  expectFailure(await space.run(args), { exit: 2, says: /tasks\.likelihood/ });
});
