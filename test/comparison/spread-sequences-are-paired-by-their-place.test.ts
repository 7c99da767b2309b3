/** Rows of other selections share sequences by their place in the stream; older rows are read, and said to be older. */
import { describe, expect, it } from 'vitest';
import { compareRows } from '../../src/comparison/compared-rows.js';
import { formatDifferences } from '../../src/comparison/printed-differences.js';
import { resultOfNats, rowsOfResults, withoutSequences } from './rows.js';

const all = Array.from({ length: 120 }, (_, i) => 500 + 40 * Math.sin(i * i));
const shifted = all.map((nats, i) => nats + 6 + Math.cos(i * i));

function taken(nats: readonly number[], index: readonly number[], name = 'duo') {
  const result = resultOfNats(
    index.map((place) => nats[place]),
    name,
  );
  Object.assign(result.sequences!, { index: [...index] });
  return result;
}
const every = (step: number) => Array.from({ length: 120 / step }, (_, i) => i * step);
const compared = (a: object, b: object) =>
  compareRows(rowsOfResults([a]), rowsOfResults([b], 'b.json')).differences[0];

describe('sequences', () => {
  it('that both hold are paired, whatever else either holds', () => {
    const { method, sequences, value } = compared(taken(all, every(2)), taken(shifted, every(4)));
    expect([method, sequences]).toEqual(['paired', 30]);
    const expected = every(4).reduce((sum, i) => sum + all[i] - shifted[i], 0) / (30 * 126);
    expect(value).toBeCloseTo(expected, 12);
  });

  it('without places are those from the first on', () => {
    const whole = resultOfNats(shifted);
    expect(compared(taken(all, every(3)), whole)).toMatchObject({ method: 'paired', sequences: 40 });
  });

  it('of which fewer than half are common are judged by intervals', () => {
    const [even, odd] = [every(2), every(2).map((i, place) => (place < 10 ? i : i + 1))];
    expect(compared(taken(all, even), taken(shifted, odd)).method).toBe('intervals');
  });

  it('of documents have their difference over documents', () => {
    const [a, b] = [taken(all, every(2)), taken(shifted, every(2))];
    for (const one of [a, b])
      Object.assign(one.sequences!, { document: every(2).map((i) => Math.floor(i / 6)) });
    expect(compared(a, b)).toMatchObject({ unit: 'document', units: 20, blockLength: null });
  });

  it('out of order are refused with their place', () => {
    const bad = taken(all, every(2));
    bad.sequences!.index!.reverse();
    expect(() => rowsOfResults([bad])).toThrow(/not in the order of the text/);
  });
});

describe('a file of protocol version 1', () => {
  const older = (result: object) => {
    const old = structuredClone(result) as ReturnType<typeof resultOfNats>;
    old.protocol.version = 1;
    for (const figure of Object.values(old.metrics))
      for (const key of ['unit', 'units', 'effectiveUnits', 'blockLength', 'designEffect'] as const)
        delete (figure as unknown as Record<string, unknown>)[key];
    return old;
  };

  it('is paired anew where it holds losses, and that is said', () => {
    const { differences } = compareRows(
      rowsOfResults([older(resultOfNats(all))], 'old.json'),
      rowsOfResults([resultOfNats(shifted)], 'new.json'),
    );
    expect(differences[0]).toMatchObject({ method: 'paired', earlier: ['old.json'] });
    expect(formatDifferences(differences, 'table')).toContain(
      'The intervals in old.json itself are of an earlier duo-eval',
    );
  });

  it('is refused where its own interval would be set against a new one', () => {
    const old = older(withoutSequences(resultOfNats(all)));
    expect(() => compared(old, resultOfNats(shifted))).toThrow(/took the sequences of a text as independent/);
    expect(compared(old, older(resultOfNats(shifted)))).toMatchObject({ method: 'intervals' });
  });
});
