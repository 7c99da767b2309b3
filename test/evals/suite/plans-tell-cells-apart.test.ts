import { expect, it } from 'vitest';
import type { PlannedCell } from '../../../src/evals/suite/cell.js';
import { planTable } from '../../../src/evals/suite/printed-plan.js';

const cell = (number: number, eta: number, seed = 1, model = 'duo'): PlannedCell => ({
  ...{ cell: number, eval: 'gen', model, dataset: 'psi, 8 steps', seed, modelCalls: 72, weight: 72 },
  ...{ sequences: 8, draws: 1, state: 'to run', seconds: 3 },
  samplerOptions: { preset: 'remdm-cap', eta },
});
const table = (cells: PlannedCell[], width = 100) =>
  planTable({ cells, seconds: 9 }, { width, color: false });

it('cells of one sampler say in which option they differ, and no more', () => {
  const text = table([cell(1, 0.02), cell(2, 0.04), cell(3, 0.02, 2), cell(4, 0.02, 1, 'mdlm')]);
  expect(text).toMatch(/^ *1 +gen +duo +psi, 8 steps, eta 0\.02 +1 /m);
  expect(text).toMatch(/^ *2 +gen +duo +psi, 8 steps, eta 0\.04 +1 /m);
  expect(text).toMatch(/^ *3 +gen +duo +psi, 8 steps +2 /m);
  expect(text).toMatch(/^ *4 +gen +mdlm +psi, 8 steps +1 /m);
});

it('options are broken at spaces where the screen is narrow', () => {
  const text = table([cell(1, 0.02), cell(2, 0.04)], 70);
  for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(70);
  expect(text).toContain('0.04');
  expect(text).not.toContain('…');
});
