import { expect, it } from 'vitest';
import { timePlan } from '../../src/diffusion/times.js';

it.each([1, 2, 5, 19, 74, 412])(
  'with %i sequences, each pass takes every stratum of each group once',
  (sequences) => {
    const plan = timePlan({ sequences, draws: 9, seed: 7 });
    for (let draw = 0; draw < 9; draw++) {
      const groups = new Map<number, number[]>();
      for (let i = 0; i < sequences; i++) {
        const { u, group, replicate } = plan.at(i, draw);
        expect(u >= 0 && u < 1).toBe(true);
        expect(replicate).toBe(draw % 4);
        groups.set(group, [...(groups.get(group) ?? []), u]);
      }
      expect(groups.size).toBe(plan.groups);
      const pass = Math.floor(draw / 4);
      const rotation = [0, 1 / 2, 1 / 4][pass];
      for (const us of groups.values()) {
        const strata = us
          .map((u) => Math.floor(((u - rotation + 1) % 1) * us.length + 1e-9))
          .sort((a, b) => a - b);
        expect(strata).toEqual(us.map((_, k) => k));
      }
    }
  },
);

it("one sequence's draws are stratified too: replicate 0 takes each eighth once in 8 draws", () => {
  const plan = timePlan({ sequences: 74, draws: 32, seed: 7 });
  for (let i = 0; i < 74; i++) {
    const us = Array.from({ length: 8 }, (_, k) => plan.at(i, 4 * k).u);
    expect(new Set(us.map((u) => Math.floor(u * 8 + 1e-9) % 8)).size).toBe(8);
  }
});

it('has at least 4 independent randomisations, even at one draw', () => {
  for (const [sequences, draws] of [
    [4, 1],
    [19, 1],
    [74, 1],
    [74, 3],
    [10_000, 1],
    [1, 4],
  ]) {
    expect(timePlan({ sequences, draws, seed: 1 }).randomisations).toBeGreaterThanOrEqual(4);
  }
});

it('keeps the earlier draws when more are asked for, and depends on the seed', () => {
  const few = timePlan({ sequences: 74, draws: 1, seed: 3 });
  const many = timePlan({ sequences: 74, draws: 100, seed: 3 });
  const other = timePlan({ sequences: 74, draws: 1, seed: 4 });
  let same = 0;
  for (let i = 73; i >= 0; i--) {
    expect(many.at(i, 0)).toEqual(few.at(i, 0));
    if (other.at(i, 0).u === few.at(i, 0).u) same++;
  }
  expect(same).toBe(0);
});

it('gives every (sequence, draw) a uniform u over seeds: unbiased', () => {
  const seeds = 4000;
  for (const [sequence, draw] of [
    [0, 0],
    [3, 1],
    [6, 6],
  ]) {
    const counts = new Float64Array(10);
    for (let seed = 0; seed < seeds; seed++) {
      counts[Math.floor(timePlan({ sequences: 7, draws: 8, seed }).at(sequence, draw).u * 10)]++;
    }
    const chiSquared = counts.reduce((sum, c) => sum + (c - seeds / 10) ** 2 / (seeds / 10), 0);
    expect(chiSquared).toBeLessThan(9 + 5 * Math.sqrt(18));
  }
});

it.each([
  { sequences: 0, draws: 1 },
  { sequences: 3, draws: 0 },
  { sequences: 1.5, draws: 1 },
])('refuses %j', (counts) => {
  expect(() => timePlan({ ...counts, seed: 0 })).toThrow(/positive whole number/);
});
