/** About src/commands/ppl.ts */
import { beforeAll, describe, expect, it } from 'vitest';
import type { PerplexityResult } from '../../src/evals/perplexity/record.js';
import { succeed, type Workspace, workspace } from '../support/workspace.js';
import { resultsOf } from './results.js';
import { expectedPerplexities, sharedDataset, sharedIsThere, sharedModel, whyNot } from './shared.js';

let space: Workspace;
beforeAll(() => {
  space = workspace();
});

/** Enough for a Monte Carlo error of 0.03 nats per token on 64 sequences. */
const DRAWS = 8;

describe.skipIf(!sharedIsThere)(`perplexities of trained checkpoints (${whyNot})`, () => {
  const evaluated = new Map<string, PerplexityResult>();
  beforeAll(async () => {
    const models = ['ar', 'mdlm', 'duo'].flatMap((name) => ['--model', sharedModel(name)]);
    const data = Object.values(sharedDataset).flatMap((spec) => ['--dataset', spec]);
    const ran = await succeed(space, [
      ...['ppl', ...models, ...data, '--first', '64', '--draws', String(DRAWS)],
      ...['--json', '--quiet'],
    ]);
    for (const result of resultsOf(ran).results)
      evaluated.set(`${result.model.name}/${result.dataset.name}`, result);
  });

  const cells = sharedIsThere ? Object.entries(expectedPerplexities()) : [];

  it.each(cells.filter(([cell]) => cell.startsWith('ar/')))('%s to 1e-4', (cell, expected) => {
    const { metrics, cost } = evaluated.get(cell)!;
    expect(Math.abs(metrics.ppl.value! / expected.ppl - 1)).toBeLessThan(1e-4);
    expect(metrics.nll.mcStderr).toBe(0);
    expect([cost.sequences, cost.tokens]).toEqual([expected.sequences, expected.tokens]);
  });

  it.each(cells.filter(([cell]) => !cell.startsWith('ar/')))(
    '%s within its Monte Carlo error',
    (cell, expected) => {
      const { metrics, cost } = evaluated.get(cell)!;
      const mcStderr = metrics.nll.mcStderr!;
      expect(mcStderr).toBeGreaterThan(0);
      expect(mcStderr).toBeLessThanOrEqual(0.03);
      const allowed = 3 * Math.hypot(mcStderr, expected.mcStderr);
      expect(Math.abs(metrics.nll.value! - expected.nll)).toBeLessThanOrEqual(allowed);
      expect([cost.sequences, cost.tokens]).toEqual([expected.sequences, expected.tokens]);
    },
  );
});
