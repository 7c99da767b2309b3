import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fixture, succeed, type Workspace, workspace } from './command.js';

let space: Workspace;
beforeAll(() => {
  space = workspace();
});
afterAll(() => space.remove());

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
