import { describe, expect, it } from 'vitest';
import type { PlannedCell } from '../../../src/evals/suite/cell.js';
import { planTable } from '../../../src/evals/suite/printed-plan.js';

const cell = (over: Partial<PlannedCell>): PlannedCell => ({
  ...{ cell: 1, eval: 'frontier', model: 'a-checkpoint-with-a-long-name-of-its-own', seed: 1 },
  ...{ dataset: 'ancestral-cache, 128 steps', sequences: 64, draws: 1, modelCalls: 1_000_000, weight: 1 },
  ...{ state: 'to run', seconds: 3000 },
  ...over,
});
const lines = (cells: PlannedCell[], width: number) =>
  planTable(
    { cells, seconds: cells.reduce((sum, { seconds }) => sum + (seconds ?? 0), 0) },
    { width, color: false },
  ).split('\n');

describe('the plan of a suite', () => {
  it.each([60, 80, 160])('is no wider than %i columns', (width) => {
    const plan = lines([cell({}), cell({ cell: 2, state: 'kept', seconds: 0 })], width);
    for (const line of plan) expect(line.length).toBeLessThanOrEqual(width);
    expect(plan.join('\n').includes('a-checkpoint-with-a-long-name-of-its-own')).toBe(width === 160);
  });

  it('says a question mark only of what is not known, and how many are not', () => {
    const plan = lines([cell({}), cell({ seconds: null })], 160);
    expect(plan[2]).toMatch(/about 50 min$/);
    expect(plan[3]).toMatch(/ \?$/);
    expect(plan.at(-2)).toBe('2 of 2 cells to run, about 50 min in all, and 1 of which nothing is known.');
    expect(lines([cell({ seconds: null })], 160).at(-2)).toBe('1 of 1 cells to run, ? in all.');
  });
});
