/** About src/commands/tasks.ts, src/evals/tasks/task-files.ts, src/evals/tasks/own-file.ts, src/evals/tasks/lm-eval-file.ts */
import { beforeEach, describe, expect, it } from 'vitest';
import { fixture } from '../support/run.js';
import { succeed, type Workspace, workspace } from '../support/workspace.js';

const TASK = `
task: pairs
kind: choices
data: {files: {test: d.jsonl}}
split: test
prompt: "{{before}}"
choices: "{{answers}}"
target: "{{right}}"
metrics: [acc, acc_norm]
`;
const DOCUMENTS = [
  { before: 'The state of the', answers: ['purple dog', 'Union'], right: 1 },
  { before: 'And tonight I ask the', answers: ['Congress', 'zebra'], right: 0 },
  { before: 'My fellow', answers: ['Americans', 'qqqq'], right: 0 },
];

let space: Workspace;
beforeEach(() => {
  space = workspace();
  space.write('t.yaml', TASK);
  documents(DOCUMENTS);
});
const documents = (all: readonly object[]) =>
  space.write('d.jsonl', all.map((one) => JSON.stringify(one)).join('\n'));
const args = (...more: string[]) => ['tasks', '--model', fixture('ar.onnx'), '--task', 't.yaml', ...more];

describe('tasks', () => {
  it('prints a table that fits, and results that pair item by item', async () => {
    const { stdout } = await succeed(space, args('--by-item', '--log-items', 'i.jsonl', '--out', 'a.json'), {
      COLUMNS: '80',
    });
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    expect(stdout).toMatch(/pairs +ar +100\.0% ± 0\.0/);
    const items = space
      .read('i.jsonl')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(items.map(({ pick }) => pick)).toEqual([1, 0, 0]);
    const other = ['tasks', '--model', fixture('duo.onnx'), '--task', 't.yaml', '--draws', '16', '--by-item'];
    await succeed(space, [...other, '--out', 'b.json']);
    const { stdout: compared } = await succeed(space, ['compare', 'a.json', 'b.json', '--json']);
    expect(compared).toMatch(/"metric": "acc"/);
    const { stdout: harness } = await succeed(space, ['report', 'a.json', '--format', 'lm-eval']);
    expect(JSON.parse(harness)).toMatchObject({
      results: { pairs: { 'acc,none': 1, 'acc_stderr,none': 0 } },
      configs: { pairs: { output_type: 'multiple_choice' } },
    });
  });

  it('says before how many calls', async () => {
    const { stdout } = await succeed(space, args('--dry-run', '--json'));
    expect(JSON.parse(stdout).plan).toEqual([
      {
        ...{ model: 'ar', task: 'pairs', items: 3, continuations: 6 },
        ...{ modelCalls: expect.any(Number), readTokens: expect.any(Number) },
      },
    ]);
  });

  const refused = async (more: string[], status: number, said: RegExp) => {
    const { code, stderr } = await space.run(more);
    expect(stderr.replaceAll(/\s+/g, ' ')).toMatch(said);
    expect(code).toBe(status);
  };

  it.each([
    [['--task', 'arc_esy'], 2, /no task "arc_esy".*Did you mean arc_easy/],
    [['--task', 'blimp_wh_iland'], 2, /Did you mean blimp_wh_island/],
    [['--task', 't.yaml', '--shard', '3/2'], 2, /no shard 3\/2/],
    [['--task', 't.yaml', '--data', 'nothing.jsonl'], 6, /no such file/],
  ])('refuses %j', async (more, status, said) => {
    await refused(['tasks', '--model', fixture('ar.onnx'), ...more], status, said);
  });

  it.each([
    [{ before: 'a', answers: ['x', ''], right: 0 }, /line 1: its choice 1 is empty/],
    [{ before: 'a', answers: ['x', 'y'], right: 2 }, /target 2 is none of its 2 choices/],
    [{ before: 'a', answers: ['x', 'y'], right: -1 }, /hidden answers/],
    [{ before: 'a', answers: ['x'], right: 0 }, /it has 1 choice\b/],
    [{ befor: 'a', answers: ['x', 'y'], right: 0 }, /names "before".*Did you mean "befor"/],
  ])('refuses the document %j', async (document, said) => {
    documents([document]);
    const isTemplate = 'befor' in document;
    await refused(args(), isTemplate ? 2 : 4, said);
  });

  it.each([
    [TASK.replace('prompt:', 'promt:'), /line 6: promt: there is no such key here.*Did you mean prompt/],
    [TASK.replace('split: test', 'split: dev'), /no data of the split "dev"/],
    [TASK.replace('[acc,', '[mcc,'), /no metric "mcc"/],
    ['task: x\ntask_list: [a]\n', /has the key "task_list"/],
    [
      'task: x\nprocess_docs: !function utils.f\ndataset_path: a/b\ntest_split: t\ndoc_to_text: a\ndoc_to_target: b\noutput_type: multiple_choice\n',
      /function "utils.f" is not known here/,
    ],
    ['task: x\ninclude: t.yaml\n', /is included by itself/],
    ['group: g\ntask: [a, b]\n', /is a group of tasks/],
  ])('refuses the task file %#', async (text, said) => {
    space.write('t.yaml', text);
    const { code, stderr } = await space.run(args());
    expect(stderr.replaceAll(/\s+/g, ' ')).toMatch(said);
    expect([2, 4]).toContain(code);
  });

  it('cuts what is longer than the model from the left, counts it, and says so, or refuses', async () => {
    documents([{ before: 'word '.repeat(400), answers: ['x', 'y'], right: 0 }]);
    const { stdout } = await succeed(space, args('--json'));
    expect(JSON.parse(stdout).results[0].items).toMatchObject({ count: 1, cut: 1 });
    await refused(args('--too-long', 'refuse'), 4, /more than a sequence of ar takes/);
  });
});
