import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { distillationFile } from '../../src/training/distillation/distill.js';
import { train } from '../../src/training/train.js';
import { inOwnFolder } from '../../src/training/training-run.js';
import { failure } from './failure.js';
import { temporaryState, toySettings, toyText } from './toy-run.js';

const folder = () => dirname(temporaryState());

it('one run at a time; afterwards nothing is left of the lock', async () => {
  const out = folder();
  await inOwnFolder(out, 'duo.onnx', async () => {
    const error = await failure(inOwnFolder(out, 'duo.onnx', async () => 1));
    expect(error.code).toBe('in-use');
  });
  expect(await inOwnFolder(out, 'duo.onnx', async () => 2)).toBe(2);
  expect(readdirSync(out)).toEqual([]);
});

it('one that cannot be written to is told before anything is done', async () => {
  const out = join(folder(), 'file');
  writeFileSync(out, '');
  let begun = false;
  const work = async () => {
    begun = true;
  };
  const error = await failure(inOwnFolder(join(out, 'run'), 'duo.onnx', work));
  expect(error.exitCode).toBe(6);
  expect(error.hint).toContain('--out');
  expect(begun).toBe(false);
});

it('a checkpoint that no run here made is not overwritten', async () => {
  const out = folder();
  writeFileSync(join(out, 'duo.onnx'), 'mine');
  const error = await failure(inOwnFolder(out, 'duo.onnx', async () => 1));
  expect(error.code).toBe('not-of-this-run');
  mkdirSync(join(out, 'other'));
  expect(await inOwnFolder(join(out, 'other'), 'duo.onnx', async () => 3)).toBe(3);
});

it('a run of training is no damaged run of distillation', async () => {
  const statePath = temporaryState();
  await train({
    settings: toySettings('duo', { steps: 2 }),
    text: toyText,
    statePath,
    saveEvery: 2,
    threads: 1,
  });
  const error = await failure(distillationFile.load(statePath, {} as never));
  expect(error.code).toBe('other-run');
});
