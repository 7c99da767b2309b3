import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fixture, root, succeed, type Workspace, workspace } from './command.js';

let space: Workspace;
const STEPS = 120;
beforeAll(() => {
  space = workspace();
  const counting = Array.from({ length: 900 }, (_, i) => `and then ${i % 60}`).join(' ');
  space.write('text.txt', counting);
  space.write('other.txt', counting.slice(1000, 6000));
});
afterAll(() => space.remove());

const command = (out: string, family = 'duo') => [
  'train',
  ...['--family', family, '--data', 'text.txt', '--tokenizer', fixture('tokenizer'), '--out', out],
  ...['--hidden-size', '16', '--condition-size', '8', '--blocks', '1', '--heads', '2', '--length', '16'],
  ...['--steps', String(STEPS), '--batch', '4', '--save-every', '10', '--threads', '1', '--lr', '0.01'],
  ...['--validation', 'other.txt', '--json', '--quiet'],
];

const bytes = (out: string, name: string) => readFileSync(space.at(join(out, name)));

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
    const child = spawn(process.execPath, [join(root, 'bin', 'run.js'), ...command('killed')], {
      cwd: space.folder,
      env: { PATH: process.env.PATH, HOME: space.folder, DUO_EVAL_CACHE: space.at('.cache') },
      stdio: 'ignore',
    });
    const ended = new Promise((resolve) => child.on('exit', resolve));
    while (!existsSync(space.at('killed/training.state')) && child.exitCode === null)
      await new Promise((resolve) => setTimeout(resolve, 2));
    child.kill('SIGKILL');
    await ended;
    await succeed(space, command('killed'));
    for (const name of ['duo.onnx', 'duo.card.json', 'training.state', 'loss.csv', 'validation.csv'])
      expect([name, bytes('killed', name).equals(bytes('whole', name))]).toEqual([name, true]);
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
