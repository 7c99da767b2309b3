/** About src/commands/inspect.ts, src/commands/ppl.ts */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { fixture, root } from '../support/run.js';
import { type Workspace, workspace } from '../support/workspace.js';
import { type Expected, expectFailure } from './failure.js';

const cases = join(root, '..', 'shared', 'cases', 'models');
const model = (name: string) => join(cases, name);

let space: Workspace;
beforeAll(() => {
  space = workspace();
  space.write('text.txt', 'All happy families are alike. '.repeat(80));
});

describe.skipIf(!existsSync(cases))('a model of ../shared/cases (skipped where that is not there)', () => {
  it.each<[string, string, string[], Expected]>([
    [
      'looks ahead: its family is asked for',
      'peek.onnx',
      ['--length', '32'],
      { exit: 3, says: 'no family is known', hint: '--family' },
    ],
    [
      'looks ahead, and a flag says ar',
      'peek.onnx',
      ['--length', '32', '--family', 'ar'],
      { exit: 3, says: 'it looks ahead', hint: 'causal attention mask' },
    ],
    [
      'has fewer positions than --length',
      'with-past.onnx',
      ['--length', '512'],
      { exit: 3, says: "longer than the model's positions, of which there are 256", hint: '--length 256' },
    ],
    [
      'has fewer positions than the usual length',
      'with-past.onnx',
      [],
      { exit: 3, says: "longer than the model's positions, of which there are 256", hint: '--length 256' },
    ],
    [
      'takes one token at a time',
      'decoder_with_past_model.onnx',
      ['--length', '32'],
      { exit: 3, says: 'takes one token at a time', hint: 'decoder_model_merged.onnx' },
    ],
    [
      'is a Git LFS pointer',
      join('lfs', 'model.onnx'),
      [],
      { exit: 3, says: 'model.onnx: it is a Git LFS pointer', hint: 'git lfs pull' },
    ],
    [
      'gives other logits than it declares',
      join('wide', 'm.onnx'),
      [],
      { exit: 3, says: /514\], but .* was promised/, hint: '"vocabSize": 514' },
    ],
  ])('that %s', async (_, name, flags, expected) => {
    const args = ['--tokenizer', fixture('tokenizer'), '--dataset', 'text.txt', '--limit', '2', '--quiet'];
    expectFailure(await space.run(['ppl', '--model', model(name), ...args, ...flags]), expected);
  });

  it('that looks ahead is found by inspect', async () => {
    const ran = await space.run(['inspect', model('peek.onnx'), '--family', 'ar', '--json']);
    const { problems } = JSON.parse(ran.stdout);
    expect(problems).toEqual([
      expect.objectContaining({ message: expect.stringContaining('it looks ahead') }),
    ]);
    const unasked = await space.run([
      'inspect',
      model('peek.onnx'),
      '--family',
      'ar',
      '--json',
      '--no-probe',
    ]);
    expect(JSON.parse(unasked.stdout).problems).toEqual([]);
  });
});
