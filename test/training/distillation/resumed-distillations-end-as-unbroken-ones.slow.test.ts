import { copyFileSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { type DistillationRun, distill } from '../../../src/training/distillation/distill.js';
import type { DistillationSettings } from '../../../src/training/distillation/settings.js';
import { temporaryState, toyText } from '../toy-run.js';
import { toyDistillation, toyWeights } from './toy-distillation.js';

it.each<DistillationSettings['nextTeacher']>(['weights', 'average'])(
  'the same file, bit for bit, stopped and killed in and between rounds; the %s become the teacher',
  async (nextTeacher) => {
    const settings = toyDistillation({ nextTeacher });
    const weights = toyWeights();
    const run = (statePath: string, more: Partial<DistillationRun> = {}) =>
      distill({ settings, weights, text: toyText, statePath, saveEvery: 3, threads: 1, ...more });

    const unbrokenPath = temporaryState();
    const killed: { path: string; step: number }[] = [];
    const unbroken = await run(unbrokenPath, {
      onStep: (step) => {
        // What kill -9 after a step would leave: the save before it, in a round or at its end (4, 8).
        if (step !== 5 && step !== 8 && step !== 12) return;
        const path = temporaryState();
        copyFileSync(unbrokenPath, path);
        killed.push({ path, step: JSON.parse(readFileSync(path, 'latin1').split('\n')[0]).step });
      },
    });
    expect(unbroken.finished).toBe(true);
    expect(killed.map(({ step }) => step)).toEqual([4, 6, 9]);

    const stoppedPath = temporaryState();
    const stop = new AbortController();
    const stopAtThree = (step: number) => step === 3 && stop.abort();
    const parts = await run(stoppedPath, { saveEvery: 100, signal: stop.signal, onStep: stopAtThree });
    expect(parts.finished).toBe(false);

    const expected = readFileSync(unbrokenPath);
    for (const path of [stoppedPath, ...killed.map(({ path }) => path)]) {
      await run(path, { saveEvery: 100 });
      expect(readFileSync(path).equals(expected)).toBe(true);
    }
  },
);

it('refuses other settings, naming the first', async () => {
  const statePath = temporaryState();
  const run = { weights: toyWeights(), text: toyText, statePath, saveEvery: 100, threads: 1 };
  await distill({ ...run, settings: toyDistillation({ rounds: 1 }) });
  await expect(
    distill({ ...run, settings: toyDistillation({ rounds: 1, divergence: 'teacher-student' }) }),
  ).rejects.toMatchObject({
    code: 'other-settings',
    message: expect.stringContaining('has --kl student-teacher, not teacher-student'),
  });
});
