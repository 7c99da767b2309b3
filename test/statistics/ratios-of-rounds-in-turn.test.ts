import { describe, expect, it } from 'vitest';
import { uniform } from '../../src/random/uniforms.js';
import { firstInRound, interleavedRatio, type TimedPair } from '../../src/statistics/interleaved-ratio.js';
import { studentQuantile95 } from '../../src/statistics/student.js';

const rounds = (own: readonly number[], other: readonly number[]): TimedPair[] =>
  own.map((speed, r) => ({ first: firstInRound(r), own: speed, other: other[r] }));

describe('a ratio of speeds from rounds in turn', () => {
  it('takes turns in being first', () => {
    expect([0, 1, 2, 3].map(firstInRound)).toEqual(['own', 'other', 'own', 'other']);
  });

  it('is 1, and surely 1, where all timings are the same', () => {
    expect(interleavedRatio(rounds([7, 8, 9, 10], [7, 8, 9, 10]))).toEqual({ value: 1, ci95: [1, 1] });
  });

  it('is that of the rounds, however fast each round was', () => {
    const { value, ci95 } = interleavedRatio(rounds([2, 20, 0.2, 6], [1, 10, 0.1, 3]));
    expect(value).toBeCloseTo(2, 12);
    expect(ci95![1] - ci95![0]).toBeLessThan(1e-12);
  });

  it('does not count what the order does, even with one round more of one order', () => {
    // Whoever is first is 1.5 times as fast; apart from that the ratio is 0.8.
    const pairs = [0, 1, 2, 3, 4].map((r) => ({
      first: firstInRound(r),
      own: firstInRound(r) === 'own' ? 120 : 80,
      other: firstInRound(r) === 'own' ? 100 : 150,
    }));
    const { value, ci95 } = interleavedRatio(pairs);
    expect(value).toBeCloseTo(Math.sqrt(1.2 * (80 / 150)), 12);
    expect(ci95![1] - ci95![0]).toBeLessThan(1e-12);
  });

  it('has the interval of the cross-over in closed form', () => {
    // ln ratios 0.1, 0.3 with one order and −0.1, 0.1 with the other: means 0.2 and 0, squares 0.02 + 0.02, 2 degrees.
    const logs = [0.1, -0.1, 0.3, 0.1];
    const { value, ci95 } = interleavedRatio(
      rounds(
        logs.map((one) => 50 * Math.exp(one)),
        [50, 50, 50, 50],
      ),
    );
    const margin = studentQuantile95(2) * Math.sqrt(0.02 * ((1 / 2 + 1 / 2) / 4));
    expect(Math.log(value)).toBeCloseTo(0.1, 12);
    expect(Math.log(ci95![0])).toBeCloseTo(0.1 - margin, 12);
    expect(Math.log(ci95![1])).toBeCloseTo(0.1 + margin, 12);
  });

  it('has no interval below 3 rounds, and does not exist without rounds or speed', () => {
    expect(interleavedRatio(rounds([2], [1]))).toEqual({ value: 2, ci95: null });
    expect(interleavedRatio(rounds([2, 2], [1, 1])).ci95).toBeNull();
    expect(interleavedRatio(rounds([2, 2, 3], [1, 1, 1])).ci95).not.toBeNull();
    expect(() => interleavedRatio([])).toThrow('no rounds');
    expect(() => interleavedRatio(rounds([0], [1]))).toThrow('no ratio of speeds');
  });

  it('is covered by its interval as often as is said, with an effect of the order', () => {
    const trials = 2000;
    let covered = 0;
    for (let trial = 0; trial < trials; trial++) {
      const draw = (step: number) => uniform({ seed: 9, stream: 0x31, sequence: trial, step });
      // Box and Muller (1958).
      const noise = (r: number) =>
        0.1 * Math.sqrt(-2 * Math.log(draw(2 * r))) * Math.cos(2 * Math.PI * draw(2 * r + 1));
      const pairs = Array.from({ length: 7 }, (_, r) => ({
        first: firstInRound(r),
        own: Math.exp(noise(r) + (r % 2 === 0 ? 0.3 : -0.3)) * 1.25,
        other: 1,
      }));
      const [low, high] = interleavedRatio(pairs).ci95!;
      if (low <= 1.25 && 1.25 <= high) covered++;
    }
    // 4 standard errors of the trials.
    expect(Math.abs(covered / trials - 0.95)).toBeLessThan(0.02);
  });
});
