import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { distill, distillationFile } from '../../../src/training/distillation/distill.js';
import { temporaryState, toyText } from '../toy-run.js';
import { toyDistillation, toyWeights } from './toy-distillation.js';

it('a rate that is no rate: the step is named, and a curve of the steps before it is handed on', async () => {
  const statePath = temporaryState();
  const settings = toyDistillation({ rounds: 1, learningRate: { highest: 1e30, warmup: 0 } });
  const told: [number, number][] = [];
  const run = distill({
    settings,
    weights: toyWeights(),
    text: toyText,
    statePath,
    saveEvery: 100,
    threads: 1,
    onDivergence: async (step, curve) => void told.push([step, curve.length]),
  });
  await expect(run).rejects.toMatchObject({
    code: 'training-diverged',
    message: expect.stringContaining('step 2'),
  });
  expect(told).toEqual([[2, 2]]);
  expect(existsSync(statePath)).toBe(false);
  expect(await distillationFile.load(statePath, settings)).toBe(null);
});
