/** About src/commands/gen.ts, src/commands/ppl.ts */
import { expect, it } from 'vitest';
import { fixture } from '../support/run.js';
import { succeed, workspace } from '../support/workspace.js';

const space = workspace();
const row = (text: string | null) => `${JSON.stringify({ text })}\n`;
const some = row('some words of a text that goes on '.repeat(20));
space.write('whole.jsonl', some + some);
space.write('holes.jsonl', some + row(null) + some + row(null) + row(null));

const datasetOf = async (file: string, ...args: string[]) => {
  const ppl = ['ppl', '--model', fixture('ar.onnx'), '--dataset', file, '--length', '32', '--limit', '2'];
  return JSON.parse((await succeed(space, [...ppl, '--json', ...args])).stdout).results[0].dataset;
};

it('rows that --skip-null passes over are counted in the record, and change no text', async () => {
  const whole = await datasetOf('whole.jsonl');
  expect(whole).toMatchObject({ texts: 2, skippedRows: 0 });
  expect(await datasetOf('holes.jsonl', '--skip-null')).toMatchObject({
    texts: 2,
    skippedRows: 3,
    sha256: whole.sha256,
  });
});

it('and of real text beside samples too', async () => {
  const gen = ['gen', '--model', fixture('ar.onnx'), '--samples', '2', '--length', '16', '--json'];
  const { stdout } = await succeed(space, [...gen, '--reference-dataset', 'holes.jsonl', '--skip-null']);
  expect(JSON.parse(stdout).results[1].dataset).toMatchObject({ skippedRows: 3 });
});
