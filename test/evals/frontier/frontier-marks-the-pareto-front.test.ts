import { describe, expect, it } from 'vitest';
import { paretoFront } from '../../../src/statistics/pareto-front.js';

const marks = (...points: [number | null, number | null][]) =>
  paretoFront(points.map(([speed, perplexity]) => ({ speed, perplexity })));

describe('the Pareto front', () => {
  it.each([
    [
      'the fastest, the best and what lies between',
      [
        [1, 10],
        [2, 20],
        [4, 40],
      ],
      [true, true, true],
    ],
    [
      'not what another beats in both',
      [
        [1, 10],
        [2, 9],
        [3, 30],
      ],
      [false, true, true],
    ],
    [
      'not what is as fast and worse, or as good and slower',
      [
        [2, 10],
        [2, 11],
        [1, 10],
      ],
      [true, false, false],
    ],
    [
      'equals together',
      [
        [2, 10],
        [2, 10],
      ],
      [true, true],
    ],
    [
      'nothing unknown',
      [
        [null, 1],
        [2, null],
        [1, 50],
      ],
      [false, false, true],
    ],
  ] as [string, [number | null, number | null][], boolean[]][])('holds %s', (_what, points, expected) => {
    expect(marks(...points)).toEqual(expected);
  });

  it('is what the definition says, on many points', () => {
    const points = Array.from({ length: 200 }, (_, i) => ({
      speed: Math.round(10 * Math.abs(Math.sin(i * 12.9898))),
      perplexity: Math.round(10 * Math.abs(Math.sin(i * 78.233 + 1))),
    }));
    const beaten = points.map(({ speed, perplexity }) =>
      points.some(
        (other) =>
          other.speed >= speed &&
          other.perplexity <= perplexity &&
          (other.speed > speed || other.perplexity < perplexity),
      ),
    );
    expect(paretoFront(points)).toEqual(beaten.map((one) => !one));
  });
});
