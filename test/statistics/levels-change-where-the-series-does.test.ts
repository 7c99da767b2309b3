/** About src/statistics/change-points.ts */
import { expect, it } from 'vitest';
import { fillNormals } from '../../src/random/normals.js';
import { levelsOf } from '../../src/statistics/change-points.js';

const normalsOf = (seed: number) => {
  const normals = new Float32Array(100_000);
  fillNormals(normals, { seed, stream: 0, sequence: 0, step: 0 });
  let next = 0;
  return () => normals[next++];
};
const series = (values: readonly number[], stderr = 1) => values.map((value) => ({ value, stderr }));

it('series that never change get a cut in at most 5% of cases', () => {
  const normal = normalsOf(1);
  const runs = 1000;
  const cut = Array.from({ length: runs }, () => levelsOf(series(Array.from({ length: 60 }, normal)))).filter(
    (levels) => levels.length > 1,
  ).length;
  expect(cut / runs).toBeLessThan(0.05);
  expect(cut).toBeGreaterThan(0); // neither is the rule idle
});

it('one change of three errors is found in its place, a return to the old level too', () => {
  const normal = normalsOf(2);
  const found = levelsOf(
    series(Array.from({ length: 90 }, (_, i) => (i >= 30 && i < 60 ? 3 : 0) + normal())),
  );
  expect(found.map(({ from, to }) => [from, to])).toEqual([
    [0, 30],
    [30, 60],
    [60, 90],
  ]);
  for (const [i, mean] of [0, 3, 0].entries())
    expect(Math.abs(found[i].mean - mean)).toBeLessThan(4 * found[i].stderr);
});

it('values count by their errors', () => {
  const [level] = levelsOf([
    { value: 1, stderr: 0.1 },
    { value: 2, stderr: 10 },
  ]);
  expect(level).toMatchObject({ from: 0, to: 2 });
  expect(level.mean).toBeCloseTo((1 / 0.01 + 2 / 100) / (1 / 0.01 + 1 / 100), 12);
  expect(level.stderr).toBeCloseTo((1 / 0.01 + 1 / 100) ** -0.5, 12);
});

it('exact values that differ by rounding do not change, and others do', () => {
  expect(levelsOf(series([5, 5 + 1e-13, 5], 0))).toHaveLength(1);
  expect(levelsOf(series([5, 5, 5.01], 0)).map(({ from }) => from)).toEqual([0, 2]);
  expect(levelsOf([])).toEqual([]);
  expect(levelsOf(series([7]))).toMatchObject([{ from: 0, to: 1, mean: 7 }]);
});
