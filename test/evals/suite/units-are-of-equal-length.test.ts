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
  it.each([2, 8, 100])('of uneven cells keeps %i machines equally long at work, to 15%%', (machines) => {
    const cells = Array.from({ length: 20 }, (_, i) =>
      work(i + 1, Math.exp(8 * random(i)), 500 + Math.floor(5000 * random(i + 100))),
    );
    expect(unevenness(planOf(cells, machines))).toBeLessThan(1.15);
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
