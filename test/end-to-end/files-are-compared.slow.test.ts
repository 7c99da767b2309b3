/** About src/commands/compare.ts */
import { beforeAll, expect, it } from 'vitest';
import { fixture } from '../support/run.js';
import { succeed, type Workspace, workspace } from '../support/workspace.js';

let space: Workspace;
beforeAll(() => {
  space = workspace();
});

const [ar, duo] = ['markov-ar.onnx', 'markov-duo.onnx'].map(fixture);
const few = ['--limit', '24', '--quiet'];

it('models that ran apart are compared exactly as models that ran together', async () => {
  const together = await succeed(space, ['ppl', '--model', ar, '--model', duo, ...few, '--json']);
  await succeed(space, ['ppl', '--model', ar, ...few, '--by-sequence', '--out', 'ar.json']);
  await succeed(space, ['ppl', '--model', duo, ...few, '--by-sequence', '--out', 'duo.json']);
  const apart = await succeed(space, ['compare', 'ar.json', 'duo.json', '--json']);
  const [expected] = JSON.parse(together.stdout).comparisons;
  const [found] = JSON.parse(apart.stdout).comparisons;
  expect(found).toMatchObject(expected);
  expect(found).toMatchObject({ method: 'paired', sequences: 24, fileA: 'ar.json', fileB: 'duo.json' });
  expect(JSON.parse(together.stdout).results[0]).not.toHaveProperty('sequences');
});

it('another protocol is refused with the field that differs', async () => {
  await succeed(space, ['ppl', '--model', ar, ...few, '--protocol', 'strict', '--out', 'strict.json']);
  const { code, stderr } = await space.run(['compare', 'ar.json', 'strict.json']);
  expect(code).toBe(2);
  expect(stderr).toContain('protocol.name is duo and strict');
});

it('a file that is none, or holds nothing of the kind, is a sentence', async () => {
  space.write('other.json', '{"a":1}');
  for (const [file, message] of [
    ['none.json', 'there is no such file'],
    ['other.json', 'has no schemaVersion'],
  ]) {
    const { code, stderr } = await space.run(['compare', 'ar.json', file]);
    expect(code).toBe(6);
    expect(stderr).toContain(message);
  }
});
