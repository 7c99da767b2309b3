import { describe, expect, it } from 'vitest';
import { callsInOrder } from '../../src/evals/calls-in-order.js';

/** Calls that end when the test says so. */
class Calls {
  readonly started: number[] = [];
  readonly end: (() => void)[] = [];
  readonly fail: ((error: Error) => void)[] = [];

  readonly call = (item: number): Promise<void> => {
    this.started.push(item);
    return new Promise((resolve, reject) => {
      this.end[item] = resolve;
      this.fail[item] = reject;
    });
  };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const five = [0, 1, 2, 3, 4];

describe('calls in order', () => {
  it('starts a call as soon as the oldest of a full window has ended', async () => {
    const calls = new Calls();
    const all = callsInOrder(five, calls.call, () => ({ full: 3, resume: 2 }));
    expect(calls.started).toEqual([0, 1, 2]);
    calls.end[1]();
    await turn();
    expect(calls.started).toEqual([0, 1, 2]);
    calls.end[0]();
    await turn();
    expect(calls.started).toEqual(five);
    for (const i of [2, 3, 4]) calls.end[i]();
    await all;
  });

  it('lets a full window run down to `resume` before the next call', async () => {
    const calls = new Calls();
    const all = callsInOrder(five, calls.call, () => ({ full: 4, resume: 1 }));
    expect(calls.started).toEqual([0, 1, 2, 3]);
    calls.end[0]();
    calls.end[1]();
    await turn();
    expect(calls.started).toEqual([0, 1, 2, 3]);
    calls.end[2]();
    await turn();
    expect(calls.started).toEqual(five);
    calls.end[3]();
    calls.end[4]();
    await all;
  });

  it('asks for the window of each call with the number of finished calls', async () => {
    const seen: number[] = [];
    await callsInOrder(
      five,
      async () => {},
      (finished) => {
        seen.push(finished);
        return { full: 2, resume: 1 };
      },
    );
    expect(seen).toEqual([0, 0, 0, 1, 2]);
  });

  it('throws the error of the earliest failed call, once all calls have ended', async () => {
    const calls = new Calls();
    let thrown: unknown = null;
    const all = callsInOrder(five, calls.call, () => ({ full: 3, resume: 2 })).catch((error) => {
      thrown = error;
    });
    calls.fail[1](new Error('second'));
    await turn();
    expect(thrown).toBeNull();
    calls.fail[0](new Error('first'));
    await turn();
    expect(thrown).toBeNull(); // call 2 is still under way
    calls.end[2]();
    await all;
    expect(thrown).toEqual(new Error('first'));
    expect(calls.started).toEqual([0, 1, 2]);
  });

  it('starts no call after an abort', async () => {
    const abort = new AbortController();
    const calls = new Calls();
    const all = callsInOrder(five, calls.call, () => ({ full: 2, resume: 1 }), abort.signal);
    abort.abort(new Error('stopped'));
    calls.end[0]();
    calls.end[1]();
    await expect(all).rejects.toThrow('stopped');
    expect(calls.started).toEqual([0, 1]);
  });
});
