/** About src/commands/distill.ts */
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { fixture } from '../support/run.js';
import { succeed, type Workspace } from '../support/workspace.js';
import {
  bytesOf,
  countingWorkspace,
  expectSameFiles,
  killOnceSaved,
  SMALL_NETWORK,
} from './training-runs.js';

let space: Workspace;
beforeAll(async () => {
  space = countingWorkspace();
  await succeed(space, [
    ...[
      'train',
      '--family',
      'duo',
      '--dataset',
      'text.txt',
      '--tokenizer',
      fixture('tokenizer'),
      '--out',
      'duo',
    ],
    ...SMALL_NETWORK,
    ...['--steps', '60', '--batch', '4', '--threads', '1', '--lr', '0.01', '--quiet'],
  ]);
});

const command = (
  out: string,
  more: string[] = [],
  { model = 'duo/duo.onnx', data = 'text.txt' }: { model?: string; data?: string } = {},
) => [
  ...['distill', '--model', model, '--dataset', data, '--out', out, '--steps-per-round', '12'],
  ...[
    '--batch',
    '4',
    '--save-every',
    '10',
    '--threads',
    '1',
    '--validation',
    'other.txt',
    '--json',
    '--quiet',
  ],
  ...more,
];

const bytes = (out: string, name: string) => bytesOf(space, join(out, name));

describe('distill', () => {
  it('makes a checkpoint that other commands read, and says what it is', async () => {
    const distilled = JSON.parse((await succeed(space, command('whole'))).stdout);
    expect(distilled.steps).toBe(60);
    expect(distilled.model).toBe('whole/duo-dcd.onnx');
    expect(distilled.validation.kl).toBeGreaterThan(0);
    const losses = bytes('whole', 'loss.csv').toString().trim().split('\n');
    expect(losses.length).toBe(61);
    const validation = bytes('whole', 'validation.csv').toString().trim().split('\n');
    expect(validation[0]).toBe('step,kl,stderr');
    // After every tenth step, and where a round of twelve ends.
    expect(validation.slice(1).map((row) => Number.parseInt(row, 10))).toEqual([
      10, 12, 20, 24, 30, 36, 40, 48, 50, 60,
    ]);

    const page = bytes('whole', 'loss.html').toString();
    expect(page).toContain('Distillation of duo');
    expect(page).toContain('gap 1/32');
    expect(page).toContain('duo-eval distill --model duo/duo.onnx --dataset text.txt');
    const card = JSON.parse(bytes('whole', 'duo-dcd.card.json').toString());
    expect(card).toMatchObject({ family: 'duo', distilled: true, trainedOn: 'text', length: 16 });
    expect(card.note).toContain('of duo.onnx: 5 rounds of 12 steps of 4 sequences, gaps from 1/512 to 1/32');
    const args = ['ppl', '--model', 'whole/duo-dcd.onnx', '--dataset', 'other.txt', '--json', '--quiet'];
    const { results } = JSON.parse((await succeed(space, args)).stdout);
    expect(results[0].metrics.nll.value).toBeLessThan(6);
  });

  it('killed at any step, goes on to the same files bit for bit', async () => {
    await killOnceSaved(space, command('killed'), { out: 'killed', atLeast: 20 });
    expect(bytes('killed', 'training.state').equals(bytes('whole', 'training.state'))).toBe(false);
    await succeed(space, command('killed'));
    const names = ['duo-dcd.onnx', 'training.state', 'loss.csv', 'validation.csv', 'duo-dcd.card.json'];
    expectSameFiles(space, 'killed', 'whole', names);
  });

  it.each([
    [
      'another number of rounds',
      2,
      'other-settings',
      'rounds 5, not 4',
      () => command('whole', ['--rounds', '4']),
    ],
    [
      'sequences longer than the model takes',
      2,
      'length-beyond-model',
      '16',
      () => command('a', ['--length', '17']),
    ],
    [
      'a model of another family',
      3,
      'not-uniform-state',
      'of the family mdlm',
      () => command('b', [], { model: fixture('markov-mdlm.onnx') }),
    ],
    [
      'a network that is none of ours',
      3,
      'foreign-network',
      'no card says "architecture"',
      () => command('c', [], { model: fixture('markov-duo.onnx') }),
    ],
    [
      'a text too short for a batch',
      4,
      'text-too-short',
      'a step reads 4 of 16',
      () => command('d', [], { data: space.write('short.txt', 'not much to learn from here, is there?') }),
    ],
  ])('refuses %s', async (_what, status, code, message, args) => {
    const ran = await space.run(args());
    expect(ran.code).toBe(status);
    const { error } = JSON.parse(ran.stdout);
    expect([error.code, error.message]).toEqual([code, expect.stringContaining(message)]);
  });
});
