import { expect, it } from 'vitest';
import { train } from '../../src/training/train.js';
import { type ToyFamily, temporaryState, toySettings, toyText } from './toy-run.js';

const STEPS = 200;
/** Nats a token that the last 30 steps must stay below; nothing learned is ln 8 = 2.08. */
const BOUNDS: Record<ToyFamily, number> = { ar: 0.3, mdlm: 1.7, sedd: 1.5, duo: 1.6 };

it.each(Object.entries(BOUNDS) as [ToyFamily, number][])(
  '%s to below %d nats a token',
  async (family, bound) => {
    const settings = toySettings(family, { steps: STEPS });
    settings.problem.batch = 16;
    settings.problem.dimensions.hiddenSize = 32;
    if (settings.curriculum) settings.curriculum.steps = 60;
    const run = { settings, text: toyText, statePath: temporaryState(), saveEvery: 1000, threads: 1 };
    const { curve } = await train(run);
    const losses = Array.from({ length: STEPS }, (_, i) => curve[2 * i]);
    const mean = (part: number[]) => part.reduce((a, b) => a + b) / part.length;
    expect(mean(losses.slice(0, 5))).toBeGreaterThan(1.7);
    expect(mean(losses.slice(-30))).toBeLessThan(bound);
  },
  60_000,
);
