/** About src/commands/ppl.ts */
import { readdirSync } from 'node:fs';
import { beforeAll, expect, it } from 'vitest';
import { fixture } from '../support/run.js';
import { succeed, type Workspace, workspace } from '../support/workspace.js';

let space: Workspace;
beforeAll(() => {
  space = workspace();
});

it('ppl --dry-run --log-sequences leaves no file, begun or whole', async () => {
  const asked = [
    'ppl',
    '--model',
    fixture('markov-duo.onnx'),
    '--limit',
    '3',
    '--log-sequences',
    'log.jsonl',
  ];
  const { stdout } = await succeed(space, [...asked, '--dry-run']);
  expect(stdout).toContain('markov-duo');
  expect(readdirSync(space.folder)).toEqual(['.cache']);
  await succeed(space, asked);
  expect(readdirSync(space.folder).sort()).toEqual(['.cache', 'log.jsonl']);
  expect(space.read('log.jsonl').trim().split('\n')).toHaveLength(3);
});
