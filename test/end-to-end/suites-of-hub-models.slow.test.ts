/** About src/commands/run.ts */
import { beforeAll, expect, it } from 'vitest';
import { localHub } from '../support/hub.js';
import { type Workspace, workspace } from '../support/workspace.js';
import { model } from './tiny-duo.js';

const hub = await localHub();
let space: Workspace;
beforeAll(() => {
  space = workspace();
  hub.answer = () => false;
});

it('a suite may name a model of the hub, which is fetched once and keeps its commit', async () => {
  const commit = hub.put('tiny/duo', model);
  space.write('text.txt', 'abc def ghi '.repeat(60).trim());
  space.write('suite.yaml', 'models: ["hf:tiny/duo"]\ndatasets: [text.txt]\nppl: {limit: 4}\n');
  const run = () => space.run(['run', 'suite.yaml', '--json'], { HF_ENDPOINT: hub.url });
  const first = await run();
  expect(first).toMatchObject({ code: 0 });
  expect(first.stderr).toContain('of tiny/duo at');
  expect(JSON.parse(first.stdout).results[0].model).toMatchObject({
    name: 'duo',
    path: `hf:tiny/duo@${commit}`,
  });
  hub.asked.length = 0;
  const again = await run();
  expect(again.stdout).toBe(first.stdout);
  expect(hub.asked).toEqual([]);
});
