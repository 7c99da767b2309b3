/** About src/evals/tasks/generated-items.ts, src/evals/tasks/item-runner.ts */
import { describe, expect, it } from 'vitest';
import type { ItemLine } from '../../../src/evals/tasks/item-lines.js';
import { evaluateTasks, type TasksTask } from '../../../src/library/tasks.js';
import { temporaryFolder } from '../../support/folder.js';
import { fixture } from '../../support/run.js';

const GENERATION = `
task: go_on
kind: generation
data: {files: {test: d.jsonl}}
split: test
prompt: "{{input}}"
target: "{{output}}"
generation: {tokens: 12, trim: false}
`;
const CONTINUATION = `
task: score
kind: continuation
data: {files: {test: g.jsonl}}
split: test
prompt: "{{input}}"
target: "{{output}}"
`;

process.env.DUO_EVAL_CACHE = temporaryFolder().root;

async function run(task: TasksTask) {
  const lines: ItemLine[] = [];
  const { results } = await evaluateTasks({ ...task, threads: 1, onItem: (line) => lines.push(line) });
  return { result: results[0], lines };
}

describe('a generated answer', () => {
  it.each(['markov-ar.onnx', 'ar.onnx'])('of %s is what scoring calls greedy', async (name) => {
    const folder = temporaryFolder();
    const inputs = ['The state of the', 'My fellow', 'We'];
    folder.file('d.jsonl', inputs.map((input) => JSON.stringify({ input, output: '?' })).join('\n'));
    const models = [fixture(name)];
    const written = await run({ models, tasks: [folder.file('g.yaml', GENERATION)] });
    expect(written.result.metrics.exactMatch?.value).toBe(0);
    expect(written.result.protocol).toMatchObject({ estimator: 'generation', sampler: 'ar' });
    const answers = written.lines.map(({ generated }) => generated ?? '');
    expect(answers.every((answer) => answer.length > 3)).toBe(true);
    folder.file(
      'g.jsonl',
      inputs.map((input, i) => JSON.stringify({ input, output: answers[i] })).join('\n'),
    );
    const scored = await run({ models, tasks: [folder.file('c.yaml', CONTINUATION)] });
    expect(scored.lines.map(({ isGreedy }) => isGreedy[0])).toEqual([true, true, true]);
    expect(scored.result.metrics.acc?.value).toBe(1);
  });

  it('fills a gap, and is compared as the task says', async () => {
    const folder = temporaryFolder();
    folder.file('d.jsonl', JSON.stringify({ input: 'The state <gap 3> Union', output: 'x' }));
    const { lines } = await run({
      models: [fixture('mdlm.onnx')],
      tasks: [folder.file('g.yaml', GENERATION.replace('trim: false', 'trim: true'))],
      steps: 3,
    });
    const answer = lines[0].generated ?? '';
    expect(answer.length).toBeGreaterThan(0);
    folder.file(
      'd.jsonl',
      JSON.stringify({ input: 'The state <gap 3> Union', output: answer.toUpperCase() }),
    );
    const same = GENERATION.replace('trim: false', 'trim: true, ignoreCase: true');
    const again = await run({
      models: [fixture('mdlm.onnx')],
      tasks: [folder.file('h.yaml', same)],
      steps: 3,
    });
    expect(again.result.metrics.exactMatch?.value).toBe(1);
  });

  it.each(['ar.onnx', 'mdlm.onnx', 'duo.onnx'])(
    'of %s shares calls, and does not depend on what is in its batch',
    async (name) => {
      const folder = temporaryFolder();
      const inputs = ['The state of the', 'My fellow', 'We', 'And to', 'God bless', 'Our'];
      folder.file('d.jsonl', inputs.map((input) => JSON.stringify({ input, output: '?' })).join('\n'));
      const models = [fixture(name)];
      const tasks = [folder.file('g.yaml', GENERATION)];
      const a = await run({ models, tasks, steps: 4, batch: 1 });
      const b = await run({ models, tasks, steps: 4, batch: 4, fresh: true });
      expect(b.lines.map(({ generated }) => generated)).toEqual(a.lines.map(({ generated }) => generated));
      expect(b.result.cost.modelCalls).toBe(a.result.cost.modelCalls);
      expect(new Set(a.lines.map(({ generated }) => generated)).size).toBeGreaterThan(3);
    },
  );

  it('to a gap of its size is as long as the right one, between what is given on both sides', async () => {
    const folder = temporaryFolder();
    const documents = [
      { before: 'The state of', after: 'Union', output: 'the' },
      { before: `${'word '.repeat(300)}The state`, after: 'the Union', output: 'of' },
    ];
    folder.file('d.jsonl', documents.map((one) => JSON.stringify(one)).join('\n'));
    const infill = GENERATION.replace('{{input}}', '{{before}} <gap answer> {{after}}').replace(
      'false',
      'true',
    );
    const { lines, result } = await run({
      models: [fixture('mdlm.onnx')],
      tasks: [folder.file('g.yaml', infill)],
      steps: 4,
    });
    expect(lines[0].generated).toMatch(/^.the$/);
    expect(lines.map(({ cut }) => cut > 0)).toEqual([false, true]);
    expect(result.metrics.exactMatch?.value).toBe(1);
  });

  it('to a built-in list is drawn where many are right, with a ceiling where letters are tokens', async () => {
    const task: TasksTask = { models: [fixture('mdlm.onnx')], tasks: ['list_shuffle'], fewShot: 1, steps: 1 };
    const { result, lines } = await run({ ...task, selection: { kind: 'first', count: 3 } });
    expect(lines[0].requests[0].context).toMatch(/^List: (\w ){5}\w\nShuffled: (\w ){5}\w\n\nList: /);
    expect(result.protocol).toMatchObject({ sampler: 'ancestral', steps: 1, seed: 1 });
    expect(result.items.ceiling).toBeNull();
  });
});
