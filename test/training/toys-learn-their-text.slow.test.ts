import { expect, it } from 'vitest';
import { train } from '../../src/training/train.js';
import { type ToyFamily, temporaryState, toySettings, toyText } from './toy-run.js';

const STEPS = 200;
/** Nats per token that the last 30 steps must stay below; nothing learned is ln 8 = 2.08. */
const BOUNDS: [ToyFamily, number, string, number][] = [
  ['ar', 0.3, 'without a curriculum', 0],
  ['mdlm', 1.7, 'without a curriculum', 0],
  ['bd3lm', 1.2, 'without a curriculum', 0],
  ['d3pm', 1.9, 'without a curriculum', 0],
  ['gidd', 1, 'without a curriculum', 0],
  ['sedd', 1.5, 'without a curriculum', 0],
  ['duo', 1.6, 'with the largest entries of the curriculum', 3],
  ['duo', 1.6, 'with all entries of the curriculum', 9],
];

it.each(BOUNDS)('%s to below %d nats per token, %s', async (family, bound, _how, kept) => {
  const settings = toySettings(family, { steps: STEPS });
  settings.problem.batch = 16;
  settings.problem.dimensions.hiddenSize = 32;
  if (settings.curriculum) settings.curriculum = { ...settings.curriculum, steps: 60, kept };
  const run = { settings, text: toyText, statePath: temporaryState(), saveEvery: 1000, threads: 1 };
  const { curve } = await train(run);
  const losses = Array.from({ length: STEPS }, (_, i) => curve[2 * i]);
  const mean = (part: number[]) => part.reduce((a, b) => a + b) / part.length;
  expect(mean(losses.slice(0, 5))).toBeGreaterThan(1.6);
  expect(mean(losses.slice(-30))).toBeLessThan(bound);
});
