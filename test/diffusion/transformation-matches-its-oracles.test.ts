import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  diffusionTransformation,
  diffusionTransformationDerivative,
  oneMinusDiffusionTransformation,
} from '../../src/diffusion/transformation.js';
import { normalDistribution } from '../../src/statistics/normal.js';

interface Row {
  vocab_size: number;
  gamma: number;
  alpha: number;
  one_minus_alpha: number;
  dalpha: number;
}
const rows = (
  JSON.parse(readFileSync(new URL('../oracles/transformation.json', import.meta.url), 'utf8')) as {
    transformation: Row[];
  }
).transformation;

/** Equal to 1e-12 relative; below 1e-300, where doubles thin out, to 1e-300. */
const expectSame = (value: number, expected: number) =>
  expect(Math.abs(value - expected)).toBeLessThanOrEqual(1e-12 * Math.abs(expected) + 1e-300);

describe.each([...new Set(rows.map((row) => row.vocab_size))])('with %i tokens', (vocabSize) => {
  it.each(rows.filter((row) => row.vocab_size === vocabSize))(
    'α, 1 − α and dα/dγ at γ = $gamma agree with 30-digit quadrature to 1e-12 relative',
    ({ gamma, alpha, one_minus_alpha, dalpha }) => {
      expectSame(diffusionTransformation(gamma, vocabSize), alpha);
      expectSame(oneMinusDiffusionTransformation(gamma, vocabSize), one_minus_alpha);
      expectSame(diffusionTransformationDerivative(gamma, vocabSize), dalpha);
    },
  );
});

it('is 2Φ(μ/√2) − 1 for two tokens', () => {
  for (let gamma = -8; gamma <= 8; gamma += 0.25) {
    const closed = 2 * normalDistribution(Math.exp(-gamma / 2) * Math.SQRT1_2) - 1;
    expect(Math.abs(diffusionTransformation(gamma, 2) - closed)).toBeLessThan(1e-14);
  }
});

const oracle = new URL('../oracles/duo-reference.json', import.meta.url);
describe('beside the reference implementation', () => {
  it('agrees to 1e-6 absolute', () => {
    const reference = JSON.parse(readFileSync(oracle, 'utf8')).diffusion_transformation as {
      vocab_size: number;
      gamma: number[];
      alpha: number[];
    }[];
    expect(reference.length).toBeGreaterThan(0);
    for (const { vocab_size, gamma, alpha } of reference) {
      gamma.forEach((g, i) => {
        expect(Math.abs(diffusionTransformation(g, vocab_size) - alpha[i])).toBeLessThan(1e-6);
      });
    }
  });
});

it.each([
  [Number.NaN, 8],
  [Number.POSITIVE_INFINITY, 8],
  [0, 1],
  [0, 2.5],
])('refuses γ = %d with %d tokens', (gamma, vocabSize) => {
  for (const f of [
    diffusionTransformation,
    oneMinusDiffusionTransformation,
    diffusionTransformationDerivative,
  ]) {
    expect(() => f(gamma, vocabSize)).toThrow(/finite|at least 2 tokens/);
  }
});
