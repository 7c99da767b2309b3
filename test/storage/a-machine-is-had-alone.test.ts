import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { takeTurn } from '../../src/storage/machine-turns.js';
import { temporaryFolder } from '../support/folder.js';
import { pause } from '../support/patience.js';

const signal = new AbortController().signal;

/** A cache of its own for the test, which names it in the environment as a user does. */
function cache(): string {
  const { root } = temporaryFolder();
  process.env.DUO_EVAL_CACHE = root;
  return root;
}

describe('turns on a machine', () => {
  it('are shared, and one that has it alone waits until they are given back', async () => {
    const root = cache();
    const shared = [await takeTurn(false, signal), await takeTurn(false, signal)];
    const events: string[] = [];
    const alone = takeTurn(true, signal).then((lock) => {
      events.push('alone');
      return lock;
    });
    await pause(700);
    expect(events).toEqual([]);
    const late = takeTurn(false, signal).then((lock) => {
      events.push('late');
      return lock;
    });
    for (const lock of shared) lock.release();
    const single = await alone;
    await pause(700);
    expect(events).toEqual(['alone']);
    single.release();
    (await late).release();
    expect(events).toEqual(['alone', 'late']);
    expect(readdirSync(`${root}/machines`)).toEqual([]);
  });

  it('are waited for until a signal', async () => {
    const root = cache();
    const shared = await takeTurn(false, signal);
    const controller = new AbortController();
    const alone = takeTurn(true, controller.signal);
    const reason = new Error('told to stop');
    setTimeout(() => controller.abort(reason), 50);
    await expect(alone).rejects.toMatchObject({ cause: reason });
    shared.release();
    expect(readdirSync(`${root}/machines`)).toEqual([]);
  });
});
