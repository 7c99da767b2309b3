import { describe, expect, it } from 'vitest';
import { readDeltas, readRuns } from '../../src/datasets/parquet/runs.js';

const bytes = (...values: number[]) => Uint8Array.from(values);

describe('runs and bit packing', () => {
  it('follow each other', () => {
    // The format's own example: 0 … 7 in three bits each; then five times 4.
    expect([...readRuns(bytes(0x03, 0x88, 0xc6, 0xfa, 0x0a, 0x04), 3, 13)]).toEqual([
      0, 1, 2, 3, 4, 5, 6, 7, 4, 4, 4, 4, 4,
    ]);
    expect([...readRuns(bytes(0x06, 0x39, 0x30), 16, 3)]).toEqual([12345, 12345, 12345]);
    expect([...readRuns(bytes(0x03), 0, 5)]).toEqual([0, 0, 0, 0, 0]);
    expect([...readRuns(bytes(0x03, ...new Array(32).fill(255)), 32, 2)]).toEqual([2 ** 32 - 1, 2 ** 32 - 1]);
  });

  it('may be longer than asked for, and never shorter', () => {
    expect([...readRuns(bytes(0xfe, 0xff, 0xff, 0xff, 0x0f, 1), 1, 2)]).toEqual([1, 1]);
    expect(() => readRuns(bytes(0x04, 1), 1, 3)).toThrow(/fewer values/);
    expect(() => readRuns(bytes(0x04), 1, 2)).toThrow(/fewer values/);
    expect(() => readRuns(bytes(0x03), 3, 8)).toThrow(/fewer values/);
  });

  it('that make no sense are refused', () => {
    expect(() => readRuns(bytes(0x00, 1), 1, 1)).toThrow(/a run of no values/);
    expect(() => readRuns(bytes(0x02, 1), 33, 1)).toThrow(/numbers of 33 bits/);
    expect(() => readRuns(bytes(...new Array(11).fill(0x80)), 1, 1)).toThrow(/more than ten bytes/);
  });
});

describe('differences', () => {
  it('in blocks', () => {
    // 7, 5, 3, 1, 2, 3, 4, 5: the format's own example, least difference -2 in two bits.
    const example = bytes(128, 1, 4, 8, 14, 3, 2, 0, 0, 0, 0xc0, 0x3f, 0, 0, 0, 0, 0, 0);
    expect(readDeltas(example, 8)).toEqual({ numbers: Int32Array.of(7, 5, 3, 1, 2, 3, 4, 5), end: 18 });
  });

  it('of none and of one number', () => {
    expect(readDeltas(bytes(128, 1, 4, 0, 0), 0)).toEqual({ numbers: new Int32Array(0), end: 5 });
    expect(readDeltas(bytes(128, 1, 4, 1, 14), 1)).toEqual({ numbers: Int32Array.of(7), end: 5 });
  });

  it('that make no sense are refused', () => {
    for (const wrong of [
      bytes(0, 1, 1, 0),
      bytes(128, 1, 0, 1, 0),
      bytes(128, 1, 4, 2, 0),
      bytes(127, 1, 1, 0),
    ]) {
      expect(() => readDeltas(wrong, 1)).toThrow(/does not hold what it says/);
    }
    expect(() => readDeltas(bytes(128, 1, 4, 2, 0, 0, 40, 0, 0, 0), 2)).toThrow(/numbers of 40 bits/);
    expect(() => readDeltas(bytes(128, 1, 4, 2, 0, 0, 8, 0), 2)).toThrow(/fewer values/);
    expect(() => readDeltas(bytes(128, 1, 4, 2, 0, 0, 8, 0, 0, 0), 2)).toThrow(/fewer values/);
  });
});
