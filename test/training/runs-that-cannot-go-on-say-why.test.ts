import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { DuoEvalError } from '../../src/errors.js';
import { loadTraining } from '../../src/training/state-file.js';
import { train } from '../../src/training/train.js';
import { temporaryState, toySettings, toyText } from './toy-run.js';

const run = (statePath: string, settings = toySettings('mdlm'), text = toyText) =>
  train({ settings, text, statePath, saveEvery: 2, threads: 1 });

async function failure(promise: Promise<unknown>): Promise<DuoEvalError> {
  const error = await promise.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (error instanceof DuoEvalError) return error;
  throw error ?? new Error('nothing was thrown');
}

it('a text shorter than a batch', async () => {
  const statePath = temporaryState();
  const error = await failure(run(statePath, toySettings('mdlm'), { ...toyText, sequences: 3 }));
  expect(error.code).toBe('text-too-short');
  expect(existsSync(statePath)).toBe(false);
});

it('other settings, naming the first', async () => {
  const statePath = temporaryState();
  await run(statePath, toySettings('mdlm', { steps: 2 }));
  const other = toySettings('mdlm', { steps: 2 });
  other.learningRate.highest = 0.02;
  const error = await failure(run(statePath, other));
  expect(error.code).toBe('other-settings');
  expect(error.message).toContain('learningRate.highest 0.01, not 0.02');
});

it('a damaged state, which stays as it is', async () => {
  const statePath = temporaryState();
  const settings = toySettings('mdlm', { steps: 2 });
  await run(statePath, settings);
  const whole = readFileSync(statePath);
  const flipped = Buffer.from(whole);
  flipped[whole.length - 100] ^= 1;
  for (const bytes of [flipped, whole.subarray(0, -1), Buffer.from('no state'), Buffer.alloc(0)]) {
    writeFileSync(statePath, bytes);
    expect((await failure(run(statePath, settings))).code).toBe('damaged-training-state');
    expect(readFileSync(statePath).equals(bytes)).toBe(true);
  }
});

it('a loss that is no number any more: the step is named, and the weights before it are kept', async () => {
  const statePath = temporaryState();
  const settings = toySettings('mdlm', { learningRate: { highest: 1e30, warmup: 0, final: 1 } });
  const error = await failure(run(statePath, settings));
  expect(error.code).toBe('training-diverged');
  const step = Number(/step (\d+)/.exec(error.message)?.[1]);
  const saved = await loadTraining(statePath, settings);
  expect(saved?.step).toBe(step - 1);
  expect(saved?.vectors.weights.every(Number.isFinite)).toBe(true);
  expect(saved?.curve.length).toBe(2 * (step - 1));
});

it('a loss beyond all measure: the step is named, and the last save stays', async () => {
  const statePath = temporaryState();
  const settings = toySettings('mdlm', {
    steps: 200,
    learningRate: { highest: 30, warmup: 150, final: 1 },
  });
  const error = await failure(run(statePath, settings));
  expect(error.code).toBe('loss-exploded');
  const step = Number(/step (\d+)/.exec(error.message)?.[1]);
  const saved = await loadTraining(statePath, settings);
  expect(saved?.step).toBe(2 * Math.floor((step - 1) / 2));
});
