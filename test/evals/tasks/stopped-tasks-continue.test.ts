/** About src/evals/tasks/run.ts, src/library/tasks.ts */
import { expect, it } from 'vitest';
import { evaluateTasks, type TasksTask } from '../../../src/library/tasks.js';
import { temporaryFolder } from '../../support/folder.js';
import { fixture } from '../../support/run.js';

const folder = temporaryFolder();
process.env.DUO_EVAL_CACHE = folder.path('cache');

const TASK = `
task: words
kind: choices
data: {files: {test: d.jsonl}}
split: test
prompt: "{{before}}"
choices: "{{answers}}"
target: 0
`;

it('an aborted run is taken up where it stopped, and another setting is another run', async () => {
  const documents = Array.from({ length: 40 }, (_, i) => ({ before: `item ${i}`, answers: ['the', 'qzx'] }));
  folder.file('d.jsonl', documents.map((one) => JSON.stringify(one)).join('\n'));
  const task: TasksTask = {
    ...{ models: [fixture('markov-mdlm.onnx')], tasks: [folder.file('t.yaml', TASK)] },
    ...{ threads: 1, batch: 2, byItem: true },
  };
  const stop = new AbortController();
  const reason = new Error('stopped');
  const progress = (_work: string, done: number) => {
    if (done >= 5) stop.abort(reason);
  };
  await expect(evaluateTasks(task, { progress, signal: stop.signal })).rejects.toBe(reason);

  const notes: string[] = [];
  const note = (text: string) => notes.push(text);
  const continued = await evaluateTasks(task, { note });
  expect(notes.join('\n')).toMatch(/Continuing; an earlier run finished \d+ items of words/);
  const whole = await evaluateTasks({ ...task, fresh: true, batch: 7 });
  const [again, fresh] = [continued, whole].map(({ results }) => results[0]);
  expect(again.byItem).toEqual(fresh.byItem);
  expect(again.metrics).toEqual(fresh.metrics);
  expect(again.cost.modelCalls).toBe(fresh.cost.modelCalls);

  notes.length = 0;
  await evaluateTasks({ ...task, tail: 'eos' }, { note });
  expect(notes).toEqual([]);
});
