/** ln ψ + p/ψ − 1 is at least ln p for every ψ, and equal to it for ψ = p (TUBE, arXiv 2605.24292). */
import { expect, it } from 'vitest';
import { likelihoodsOverOrders, PSI_CHOICES, upperBound } from '../../src/diffusion/subsets.js';
import { uniform } from '../../src/random/uniforms.js';

const tableOf = (n: number, spread: number) =>
  Float64Array.from(
    { length: 2 ** n * n },
    (_, i) => -3 + spread * (uniform({ seed: 3, stream: 0x30, sequence: n, step: 0 }, i) - 0.5),
  );

it.each([1e-9, 1e-3, 1, 10])('with every ψ, for orders that differ by about %f nats', (spread) => {
  const likelihoods = likelihoodsOverOrders(tableOf(4, spread), 4);
  const psi = {
    'left-to-right': likelihoods.leftToRight,
    bound: likelihoods.bound,
    best: likelihoods.best.value,
    worst: likelihoods.worst.value,
    evidence: likelihoods.evidence,
  };
  for (const choice of PSI_CHOICES) {
    const bound = upperBound(likelihoods, choice);
    expect(bound).toBeGreaterThanOrEqual(likelihoods.evidence);
    const formula = psi[choice] + Math.exp(likelihoods.evidence - psi[choice]) - 1;
    expect(Math.abs(bound / formula - 1)).toBeLessThan(1e-12);
  }
  expect(upperBound(likelihoods, 'evidence')).toBe(likelihoods.evidence);
  // With ψ ≥ p the bound is at most ψ.
  expect(upperBound(likelihoods, 'best')).toBeLessThanOrEqual(psi.best + 1e-12);
});

it('is infinite where the order is too improbable for a number', () => {
  const table = tableOf(2, 0);
  table[1 * 2 + 1] = -800; // token 1 after token 0
  expect(upperBound(likelihoodsOverOrders(table, 2), 'worst')).toBe(Number.POSITIVE_INFINITY);
});
