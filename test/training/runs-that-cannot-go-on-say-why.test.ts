import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { TrainingSettings } from '../../src/training/settings.js';
import { trainingFile } from '../../src/training/state-file.js';
import { train } from '../../src/training/train.js';
import { failure } from './failure.js';
import { temporaryState, toySettings, toyText } from './toy-run.js';

const run = (statePath: string, settings = toySettings('mdlm'), text = toyText) =>
  train({ settings, text, statePath, saveEvery: 2, threads: 1 });

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
  expect(error.message).toContain('--lr 0.01, not 0.02');
});

it('other settings by the names of their flags, or in words', async () => {
  const statePath = temporaryState();
  await run(statePath, toySettings('duo', { steps: 2 }));
  const told = async (family: 'duo' | 'mdlm', changes: Partial<TrainingSettings>) =>
    (await failure(run(statePath, toySettings(family, { steps: 2, ...changes })))).message;
  const { curriculum, problem } = toySettings('duo');
  expect(await told('duo', { steps: 3 })).toContain('has --steps 2, not 3');
  expect(await told('mdlm', {})).toContain('has --family duo, not mdlm');
  expect(await told('duo', { text: 'other' })).toContain('reads another text');
  expect(await told('duo', { curriculum: null })).toContain('has a curriculum, by --curriculum-steps');
  const warmer = { ...curriculum!, firstLogTemperature: -2 };
  expect(await told('duo', { curriculum: warmer })).toContain('has --curriculum-temperature 0.1, not 0.01');
  const wider = { ...problem, dimensions: { ...problem.dimensions, vocabSize: 12 } };
  expect(await told('duo', { problem: wider })).toContain(
    'a vocabulary of 9, not 12, from another --tokenizer',
  );
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

describe('a loss that is no number any more: the step is named', () => {
  const settings = toySettings('mdlm', { learningRate: { highest: 1e30, warmup: 0, final: 1 } });

  it('and that nothing had been saved', async () => {
    const statePath = temporaryState();
    const told: [number, Float32Array][] = [];
    const error = await failure(
      train({
        ...{ settings, text: toyText, statePath, saveEvery: 100, threads: 1 },
        onDivergence: async (step, curve) => void told.push([step, curve]),
      }),
    );
    expect(error.code).toBe('training-diverged');
    const step = Number(/step (\d+) is not finite/.exec(error.message)?.[1]);
    expect(error.message).toContain('Nothing was saved yet.');
    expect(existsSync(statePath)).toBe(false);
    expect(told.map(([at, curve]) => [at, curve.length])).toEqual([[step, 2 * (step - 1)]]);
    expect(told[0][1].every(Number.isFinite)).toBe(true);
  });

  it('and the step of the save that is kept', async () => {
    const statePath = temporaryState();
    const error = await failure(train({ settings, text: toyText, statePath, saveEvery: 1, threads: 1 }));
    const step = Number(/step (\d+) is not finite/.exec(error.message)?.[1]);
    expect(error.message).toContain(`What was saved at step ${step - 1} is kept.`);
    const saved = await trainingFile.load(statePath, settings);
    expect(saved?.step).toBe(step - 1);
    expect(saved?.curve.length).toBe(2 * (step - 1));
  });
});

it('a network that no gradient reaches any more', async () => {
  const settings = toySettings('duo', { learningRate: { highest: 1e30, warmup: 0, final: 1 } });
  const error = await failure(run(temporaryState(), settings));
  expect(error.code).toBe('gradient-vanished');
  expect(error.message).toMatch(/The gradient of step \d+ is 0 at a loss of/);
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
  const saved = (await trainingFile.load(statePath, settings))!;
  expect(saved.step).toBeLessThan(step);
  expect(error.message).toContain(`What was saved at step ${saved.step} is kept.`);
  // Nothing was saved once losses were high: the last is that of a network that still works.
  expect(saved.curve.at(-2)).toBeLessThan(4 * Math.log(9));
});
