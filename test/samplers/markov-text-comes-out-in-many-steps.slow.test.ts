import { describe, expect, it } from 'vitest';
import { markovChain } from '../../src/models/sources/markov.js';
import { closedForm, type DiffusionFamily, pairCounts, sampled } from './closed-form.js';

const K = 3;
const chain = markovChain([0.6, 0.3, 0.1], [0.1, 0.8, 0.1, 0.05, 0.15, 0.8, 0.85, 0.1, 0.05]);

/** p(x_l, x_{l+1}) for the third position. */
function exactPairs(): number[] {
  let marginal = [...chain.initial];
  const step = (row: number[]) =>
    row.map((_, w) => row.reduce((sum, p, v) => sum + p * chain.transition[v * K + w], 0));
  marginal = step(step(marginal));
  return marginal.flatMap((p, v) => [0, 1, 2].map((w) => p * chain.transition[v * K + w]));
}

/** Largest error of a pair's frequency; one standard error is at most 0.013. */
async function pairError(family: DiffusionFamily, sampler: string, steps: number, options: string[] = []) {
  const form = closedForm(chain, family);
  const samples = await sampled(form, { sampler, options, steps, samples: 1500, length: 5, seed: 3 });
  const counts = pairCounts(samples, K, 2, 3);
  return Math.max(...exactPairs().map((p, i) => Math.abs(counts[i] / samples.length - p)));
}

const cases: [DiffusionFamily, string, string[]][] = [
  ['duo', 'ancestral', []],
  ['duo', 'greedy-tail', []],
  ['duo', 'psi', ['middle=constant-0.9']],
  ['mdlm', 'ancestral', []],
  ['mdlm', 'ancestral-cache', []],
  ['mdlm', 'psi', ['middle=constant-0.9']],
  ['mdlm', 'psi', ['preset=remdm-loop', 'eta=0.02']],
  ['sedd', 'analytic', []],
];

describe('the frequencies of neighbouring tokens', () => {
  it.each(cases)('%s by %s %o are those of the chain after 48 steps', async (family, sampler, options) => {
    expect(await pairError(family, sampler, 48, options)).toBeLessThan(0.04);
  });

  it.each(['duo', 'mdlm'] as const)(
    '%s after one step are not: its tokens are drawn apart',
    async (family) => {
      expect(await pairError(family, 'ancestral', 1)).toBeGreaterThan(0.07);
    },
  );
});
