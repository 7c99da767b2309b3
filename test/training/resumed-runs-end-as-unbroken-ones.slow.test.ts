import { copyFileSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { train } from '../../src/training/train.js';
import { type ToyFamily, temporaryState, toySettings, toyText } from './toy-run.js';

const threads = 1;

it.each<ToyFamily>(['ar', 'mdlm', 'sedd', 'duo'])(
  '%s: the same file, bit for bit, whether stopped, killed after a save, or neither',
  async (family) => {
    const settings = toySettings(family);
    const [unbrokenPath, stoppedPath, killedPath] = [temporaryState(), temporaryState(), temporaryState()];
    const copied: number[] = [];
    const unbroken = await train({
      settings,
      text: toyText,
      statePath: unbrokenPath,
      saveEvery: 3,
      threads,
      onStep: (step) => {
        // What kill -9 after the seventh step would leave: the save of the sixth.
        if (step === 8) {
          copyFileSync(unbrokenPath, killedPath);
          copied.push(JSON.parse(readFileSync(killedPath, 'latin1').split('\n')[0]).step);
        }
      },
    });
    expect(unbroken.finished).toBe(true);
    expect(copied).toEqual([6]);

    const stop = new AbortController();
    const parts = await train({
      settings,
      text: toyText,
      statePath: stoppedPath,
      saveEvery: 100,
      threads,
      signal: stop.signal,
      onStep: (step) => {
        if (step === 4) stop.abort();
      },
    });
    expect(parts.finished).toBe(false);
    expect(parts.step).toBeLessThan(12);
    const expected = readFileSync(unbrokenPath);
    for (const statePath of [stoppedPath, killedPath]) {
      await train({ settings, text: toyText, statePath, saveEvery: 100, threads });
      expect(readFileSync(statePath).equals(expected)).toBe(true);
    }
  },
);
