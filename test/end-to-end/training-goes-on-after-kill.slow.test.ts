/** About src/commands/train.ts */
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
const STEPS = 120;
beforeAll(() => {
  space = countingWorkspace();
});

const command = (out: string, family = 'duo') => [
  'train',
  ...['--family', family, '--dataset', 'text.txt', '--tokenizer', fixture('tokenizer'), '--out', out],
  ...SMALL_NETWORK,
  ...['--steps', String(STEPS), '--batch', '4', '--save-every', '10', '--threads', '1', '--lr', '0.01'],
  ...['--validation', 'other.txt', '--json', '--quiet'],
];

const bytes = (out: string, name: string) => bytesOf(space, join(out, name));

describe('train', () => {
  it('makes a checkpoint that other commands read, its loss falling on the way', async () => {
    const { stdout } = await succeed(space, command('whole'));
    const trained = JSON.parse(stdout);
    expect(trained.steps).toBe(STEPS);
    const losses = bytes('whole', 'loss.csv').toString().trim().split('\n');
    expect(losses[0]).toBe('step,loss,gradient_norm');
    expect(losses.length).toBe(STEPS + 1);
    const validation = bytes('whole', 'validation.csv').toString().trim().split('\n').slice(1);
    expect(validation.map((row) => Number(row.split(',')[0]))).toEqual(
      Array.from({ length: 12 }, (_, i) => 10 * (i + 1)),
    );
    const [first, last] = [validation[0], validation[11]].map((row) => Number(row.split(',')[1]));
    expect(first).toBeGreaterThan(4); // ln 256 = 5.5 when nothing is known
    expect(last).toBeLessThan(0.8 * first);

    const args = ['ppl', '--model', 'whole/duo.onnx', '--dataset', 'other.txt', '--json', '--quiet'];
    const { results } = JSON.parse((await succeed(space, args)).stdout);
    // The same bound on the same text, at other times and noise.
    expect(Math.abs(results[0].metrics.nll.value / trained.validation.nelbo - 1)).toBeLessThan(0.15);
  });

  it('killed at any step, goes on to the same files bit for bit', async () => {
    await killOnceSaved(space, command('killed'), { out: 'killed' });
    await succeed(space, command('killed'));
    const names = ['duo.onnx', 'duo.card.json', 'training.state', 'loss.csv', 'validation.csv'];
    expectSameFiles(space, 'killed', 'whole', names);
  });

  it('refuses to go on with another seed, naming it', async () => {
    const { code, stdout } = await space.run([...command('whole'), '--seed', '2']);
    expect(code).toBe(2);
    expect(JSON.parse(stdout).error.message).toContain('has --seed 1, not 2');
  });

  it('refuses a curriculum for a family that has none', async () => {
    const { code, stdout } = await space.run([...command('none', 'mdlm'), '--curriculum-steps', '5']);
    expect(code).toBe(2);
    expect(JSON.parse(stdout).error.code).toBe('curriculum-of-duo');
  });

  it('refuses a text too short for one batch', async () => {
    space.write('short.txt', 'not much to learn from here, is there?');
    const { code, stdout } = await space.run(
      command('short').map((arg) => (arg === 'text.txt' ? 'short.txt' : arg)),
    );
    expect(code).toBe(4);
    expect(JSON.parse(stdout).error.code).toBe('text-too-short');
  });
});

it.each(['ar', 'mdlm', 'sedd'])('a checkpoint of the family %s is one, too', async (family) => {
  await succeed(space, command(family, family));
  const args = ['ppl', '--model', `${family}/${family}.onnx`, '--dataset', 'other.txt', '--json', '--quiet'];
  const { results } = JSON.parse((await succeed(space, args)).stdout);
  expect(results[0].metrics.nll.value).toBeLessThan(5);
});
