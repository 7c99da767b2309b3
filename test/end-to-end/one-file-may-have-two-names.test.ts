/** About src/commands/ppl.ts */
import { readdirSync } from 'node:fs';
import { beforeAll, expect, it } from 'vitest';
import { succeed, type Workspace, workspace } from '../support/workspace.js';
import { smallModel, writeModel } from './small-models.js';

let space: Workspace;
beforeAll(() => {
  space = workspace();
  space.write('text.txt', 'All happy families are alike. '.repeat(40));
  writeModel(space, 'x', smallModel(), { family: 'duo' });
  writeModel(space, 'y', smallModel(), { family: 'duo' }); // of the same bytes
});

it.each([[], ['--fresh']])('and one set of losses: %j', async (...more: string[]) => {
  const models = ['a=x.onnx', 'b=x.onnx', 'c=y.onnx'].flatMap((model) => ['--model', model]);
  const args = ['ppl', ...models, '--dataset', 'text.txt', '--log-sequences', 'log.jsonl', '--json', ...more];
  const { stdout } = await succeed(space, args);
  const { results, comparisons } = JSON.parse(stdout);
  const [a, b, c] = results.map((row: { metrics: unknown }) => row.metrics);
  expect(b).toEqual(a);
  expect(c).toEqual(a);
  expect(results.map((row: { model: { name: string } }) => row.model.name)).toEqual(['a', 'b', 'c']);
  for (const { deltaNll, significant } of comparisons) expect([deltaNll, significant]).toEqual([0, false]);
  const logged = space
    .read('log.jsonl')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).model);
  expect(new Set(logged)).toEqual(new Set(['a', 'b', 'c']));
  // The journal is gone with the run.
  expect(readdirSync(space.at('.cache/journals'))).toEqual([]);
});
