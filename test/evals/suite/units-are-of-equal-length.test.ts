import { describe, expect, it } from 'vitest';
import {
  type PlannedWork,
  placeFromEnvironment,
  sharesOf,
  type UnitPlan,
  unevenness,
  unitsOf,
} from '../../../src/evals/suite/units.js';
import { uniform } from '../../../src/random/uniforms.js';

const work = (
  cell: number,
  weight: number,
  sequences: number,
  over: Partial<PlannedWork> = {},
): PlannedWork => ({
  planned: {
    ...{ cell, eval: 'ppl', model: 'a', dataset: 'b', seed: 1, sequences, draws: 1 },
    ...{ modelCalls: sequences, weight, state: 'to run' },
  },
  digest: `cell ${cell}`,
  grain: 1,
  ...over,
});
const planOf = (cells: PlannedWork[], machines: number): UnitPlan => ({
  schemaVersion: 1,
  plan: { name: 's', sha256: 'x', cells: cells.length, machines, units: unitsOf(cells, machines) },
});
const random = (i: number) => uniform({ seed: 3, stream: 0x42, sequence: i, step: 0 });

describe('a plan', () => {
  /** 100 suites of up to 60 cells whose weights differ by up to e^10, for 2 to 65 machines. @param uncut share of cells in one piece */
  const uneven = (uncut: number, sequences: (draw: number) => number) =>
    Array.from({ length: 100 }, (_, suite) => {
      let next = 0;
      const draw = () => uniform({ seed: 3, stream: 0x44, sequence: suite, step: next++ });
      const machines = 2 + Math.floor(64 * draw() ** 2);
      const cells = Array.from({ length: 1 + Math.floor(60 * draw()) }, (_, i) =>
        work(i + 1, Math.exp(10 * draw()), sequences(draw()), {
          grain: draw() < uncut ? null : draw() < 0.3 ? 8 : 1,
        }),
      );
      return { cells, plan: planOf(cells, machines) };
    });

  it('of uneven cells of many sequences keeps its busiest machine within 1.15 times the even share', () => {
    const suites = uneven(0, (draw) => 5000 + Math.floor(5000 * draw));
    expect(Math.max(...suites.map(({ plan }) => unevenness(plan)))).toBeLessThanOrEqual(1.15);
  });

  it('of cells of few sequences, or in one piece, is within 1.15 times the shortest that is possible', () => {
    for (const { cells, plan } of uneven(0.2, (draw) => Math.ceil(Math.exp(6 * draw)))) {
      const { machines } = plan.plan;
      /** What nothing can cut, heaviest first. */
      const grains = cells
        .flatMap(({ grain, planned: { weight, sequences } }) => {
          const size = grain ?? sequences;
          return Array.from(
            { length: Math.ceil(sequences / size) },
            (_, i) => (weight * Math.min(size, sequences - size * i)) / sequences,
          );
        })
        .sort((a, b) => b - a);
      const share = grains.reduce((a, b) => a + b, 0) / machines;
      // Of the k·machines + 1 heaviest, one machine has k + 1.
      const least = grains.filter((_, i) => i % machines === 0);
      const shortest = Math.max(
        share,
        ...least.map((_, k) => grains.slice(k * machines - k, k * machines + 1).reduce((a, b) => a + b, 0)),
      );
      expect((unevenness(plan) * share) / shortest).toBeLessThanOrEqual(1.15);
    }
  });

  it('cuts a cell into ranges that hold every sequence once, and leaves whole what cannot be cut', () => {
    const [whole, ...cut] = unitsOf([work(1, 1000, 64, { grain: null }), work(2, 1000, 1001)], 4);
    expect(whole).toMatchObject({ cell: 1, from: null, to: null, weight: 1000 });
    expect(cut.map(({ from }) => from)).toEqual([0, ...cut.slice(0, -1).map(({ to }) => to)]);
    expect(cut.at(-1)?.to).toBe(1001);
    expect(cut.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(1000, 9);
    expect(new Set([whole, ...cut].map(({ key }) => key)).size).toBe(cut.length + 1);
  });

  it('cuts at multiples of what a cell asks for', () => {
    const cut = unitsOf([work(1, 1000, 100, { grain: 8 })], 1);
    expect(cut.map(({ from }) => from)).toEqual([0, 8, 24, 32, 48, 64, 72, 88]);
    expect(cut.at(-1)).toMatchObject({ to: 100, weight: 120 });
  });

  it('gives every unit to one machine, the same at every reading, and of 10,000 units too', () => {
    const cells = Array.from({ length: 10_000 }, (_, i) => work(i + 1, random(i), 1));
    const plan = planOf(cells, 64);
    const shares = sharesOf(plan, 64);
    expect(shares.flat()).toHaveLength(10_000);
    expect(new Set(shares.flat().map(({ key }) => key)).size).toBe(10_000);
    expect(sharesOf(JSON.parse(JSON.stringify(plan)), 64)).toEqual(shares);
  });
});

describe('the place of a process', () => {
  it.each([
    [
      { SLURM_ARRAY_TASK_ID: '3', SLURM_ARRAY_TASK_COUNT: '1' },
      { part: 3, of: 8 },
    ],
    [
      { SLURM_PROCID: '0', SLURM_NTASKS: '4' },
      { part: 1, of: 4 },
    ],
    [{ JOB_COMPLETION_INDEX: '7' }, { part: 8, of: 8 }],
    [{ PBS_ARRAY_INDEX: '1' }, { part: 1, of: 8 }],
    [{ LSB_JOBINDEX: '8' }, { part: 8, of: 8 }],
    [
      { LSB_JOBINDEX: '0', RANK: '1', WORLD_SIZE: '2' },
      { part: 2, of: 2 },
    ],
  ])('is read from %o', (env, place) => {
    expect(placeFromEnvironment(8, env)).toEqual(place);
  });

  it.each([
    [{}, /none of its variables is set/],
    [{ SLURM_ARRAY_TASK_ID: '0' }, /SLURM_ARRAY_TASK_ID is 0, and the plan is for 8 machines, 1 to 8/],
    [{ JOB_COMPLETION_INDEX: '8' }, /0 to 7/],
  ])('is refused from %o', (env, message) => {
    expect(() => placeFromEnvironment(8, env)).toThrow(message);
  });
});
