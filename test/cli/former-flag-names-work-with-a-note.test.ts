/** About src/cli/flags.ts, src/commands/ */
import { expect, it } from 'vitest';
import { workspace } from '../support/workspace.js';

const space = workspace();
space.write('text.txt', 'one and one and one and two\n'.repeat(40));

const noteOf = (former: string, name: string) =>
  `${former} is now called ${name}; the old name goes in the next version.\n`;

it.each([
  [
    ['train', 'tokenizer', '--data', 'text.txt', '--vocab=260', '--out', 'tok'],
    [noteOf('--data', '--dataset'), noteOf('--vocab', '--vocab-size')],
    0,
  ],
  [
    ['convert', '--random', '--arch', 'dit', '--vocab', '0', '--out', 'x.onnx'],
    [], // the value is refused first
    2,
  ],
  [['ppl', '--sequences', '--model', 'missing.onnx'], [noteOf('--sequences', '--by-sequence')], 3],
  [['bench', '--model', 'missing.onnx', '--html', 'page.html'], [noteOf('--html', '--out')], 3],
  [['frontier', '--model', 'missing.onnx', '--html', 'page.html'], [noteOf('--html', '--out')], 2],
  [
    ['distill', '--data', 'text.txt', '--model', 'missing.onnx', '--out', 'o'],
    [noteOf('--data', '--dataset')],
    3,
  ],
])('%j', async (args, notes, exit) => {
  const { code, stderr } = await space.run(args);
  expect(code, stderr).toBe(exit);
  expect(stderr.startsWith(notes.join(''))).toBe(true);
  expect(stderr.match(/is now called/g) ?? []).toHaveLength(notes.length);
});

it('a variable of the former name works too, and --quiet leaves the note out', async () => {
  const args = ['train', 'tokenizer', '--vocab-size', '260', '--out', 'by-variable'];
  const loud = await space.run(args, { DUO_EVAL_DATA: 'text.txt' });
  expect(loud.code, loud.stderr).toBe(0);
  expect(loud.stderr).toContain(noteOf('DUO_EVAL_DATA', 'DUO_EVAL_DATASET'));
  const quiet = await space.run([...args, '--quiet'], { DUO_EVAL_DATA: 'text.txt' });
  expect(quiet).toMatchObject({ code: 0, stderr: '' });
});

it('a number of sequences is still --sequences', async () => {
  const { code, stderr } = await space.run(['calibrate', '--sequences', '1']);
  expect(code).toBe(2);
  expect(stderr).toContain('--sequences takes a whole number of at least 128');
  expect(stderr).not.toContain('is now called');
});
