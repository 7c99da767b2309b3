import { describe, expect, it } from 'vitest';
import { NetworkLost } from '../../src/server/network.js';
import { MOST_LOSSES, Turns } from '../../src/server/turns.js';

/** A network that answers when it is told to. */
class Slow {
  readonly asked: number[][] = [];
  private readonly waiting: {
    units: readonly number[];
    resolve: (answers: number[]) => void;
    reject: (error: Error) => void;
  }[] = [];

  ask = (units: readonly number[]): Promise<number[]> => {
    this.asked.push([...units]);
    return new Promise((resolve, reject) => this.waiting.push({ units, resolve, reject }));
  };

  async answer(failure?: Error): Promise<void> {
    const next = this.waiting.shift();
    if (!next) throw new Error('nothing is asked');
    if (failure) next.reject(failure);
    else next.resolve(next.units.map((unit) => unit * 2));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function taking(
  turns: Turns<number, number>,
  kind: number,
  units: number[],
  signal = new AbortController().signal,
) {
  const answers = new Map<number, number>();
  const done = turns.take({
    kind,
    units: units.values(),
    signal,
    answered: (unit, answer) => answers.set(unit, answer),
  });
  return { answers, done };
}

describe('turns', () => {
  it('put units of one kind into batches, a share from each request, and leave other kinds for the next', async () => {
    const slow = new Slow();
    const turns = new Turns<number, number>(slow.ask, () => 4);
    const long = taking(turns, 1, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    const short = taking(turns, 1, [100]);
    const other = taking(turns, 2, [200]);
    // The first two batches are those of the first, which was alone.
    expect(slow.asked).toEqual([
      [1, 2, 3, 4],
      [5, 6, 7, 8],
    ]);
    await slow.answer();
    expect(new Set(slow.asked[2])).toEqual(new Set([100, 9, 10]));
    await slow.answer();
    expect(slow.asked[3]).toEqual([200]);
    await slow.answer();
    await slow.answer();
    await Promise.all([long.done, short.done, other.done]);
    expect(long.answers.get(7)).toBe(14);
    expect(short.answers.get(100)).toBe(200);
    expect(other.answers.get(200)).toBe(400);
  });

  it('make units when they are needed, not before', async () => {
    const slow = new Slow();
    const turns = new Turns<number, number>(slow.ask, () => 1);
    let made = 0;
    function* units() {
      for (let i = 0; i < 1000; i++) {
        made++;
        yield i;
      }
    }
    const gone = new AbortController();
    const done = turns.take({ kind: 0, units: units(), signal: gone.signal, answered: () => {} });
    expect(made).toBeLessThan(5);
    gone.abort(new Error('left'));
    await expect(done).rejects.toThrow('left');
    await slow.answer();
    await slow.answer();
    expect(slow.asked).toHaveLength(2);
  });

  it('ask again what a lost network did not answer, each request by itself, and give up the one that loses it again', async () => {
    const slow = new Slow();
    const turns = new Turns<number, number>(slow.ask, () => 4);
    const first = taking(turns, 1, [0]);
    const filler = taking(turns, 1, [9]);
    const fatal = taking(turns, 1, [13]);
    const innocent = taking(turns, 1, [2]);
    const given = expect(fatal.done).rejects.toBeInstanceOf(NetworkLost);
    await slow.answer();
    await slow.answer();
    expect(slow.asked.at(-1)).toEqual([13, 2]);
    await slow.answer(new NetworkLost('killed'));
    expect(slow.asked.slice(-2)).toEqual([[13], [2]]);
    for (let losses = 1; losses < MOST_LOSSES; losses++) await slow.answer(new NetworkLost('killed'));
    await slow.answer();
    await Promise.all([first.done, filler.done, innocent.done, given]);
    expect(innocent.answers.get(2)).toBe(4);
  });

  it('let an error end the request that it is about, and no other', async () => {
    const slow = new Slow();
    const turns = new Turns<number, number>(slow.ask, () => 4);
    const before = [taking(turns, 1, [0]), taking(turns, 1, [1])];
    const wrong = taking(turns, 1, [13]);
    const right = taking(turns, 1, [2]);
    const refused = expect(wrong.done).rejects.toThrow('13 is none');
    for (let i = 0; i < 2; i++) await slow.answer();
    await slow.answer(new Error('13 is none'));
    await slow.answer(new Error('13 is none'));
    await slow.answer();
    await Promise.all([refused, right.done, ...before.map(({ done }) => done)]);
    expect(right.answers.get(2)).toBe(4);
  });
});
