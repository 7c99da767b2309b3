import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  analyticUnmaskProbability,
  CLEAN,
  remaskProbability,
  uniformStateWeights,
  unmaskProbability,
} from '../../src/diffusion/posterior.js';
import type { AlphaLevel } from '../../src/diffusion/schedule.js';

interface Case {
  family: string;
  vocab_size: number;
  alpha: number[];
  alpha_s?: number[];
  logits: number[][][];
  xt: number[][];
  posterior?: number[][][];
  mask_token_id?: number;
}

const oracle = new URL('../oracles/duo-reference.json', import.meta.url);
const cases: Case[] = (JSON.parse(readFileSync(oracle, 'utf8')).nll_and_posterior as Case[]).filter(
  ({ posterior }) => posterior,
);

const level = (alpha: number): AlphaLevel => ({ alpha, oneMinusAlpha: 1 - alpha });

function softmax(logits: readonly number[], except?: number): number[] {
  const kept = logits.map((logit, v) => (v === except ? Number.NEGATIVE_INFINITY : logit));
  const most = Math.max(...kept);
  const weights = kept.map((logit) => Math.exp(logit - most));
  const sum = weights.reduce((a, b) => a + b);
  return weights.map((weight) => weight / sum);
}

/** The whole distribution of z_s for a uniform-state model. */
function uniformPosterior(x: number[], z: number, t: AlphaLevel, s: AlphaLevel, kappa: number): number[] {
  const K = x.length;
  const { draw, stay, uniform } = uniformStateWeights(t, s, K, x[z], kappa);
  return x.map((p, v) => draw * p + uniform / K + (v === z ? stay : 0));
}

function maskedPosterior(
  x: number[],
  z: number,
  mask: number,
  t: AlphaLevel,
  s: AlphaLevel,
  kappa: number,
): number[] {
  if (z !== mask) {
    const remask = remaskProbability(s, kappa);
    return x.map((_, v) => (v === z ? 1 - remask : v === mask ? remask : 0));
  }
  const unmask = unmaskProbability(t, s, kappa);
  return x.map((p, v) => unmask * p + (v === mask ? 1 - unmask : 0));
}

const largestError = (a: number[], b: number[]) => Math.max(...a.map((value, i) => Math.abs(value - b[i])));

describe('beside the reference implementation', () => {
  it.each(cases)('$family with $vocab_size tokens: every posterior to 1e-6', (row) => {
    const mask = row.mask_token_id;
    row.posterior!.forEach((positions, b) => {
      const [t, s] = [level(row.alpha[b]), level(row.alpha_s![b])];
      positions.forEach((expected, l) => {
        const z = row.xt[b][l];
        const x = softmax(row.logits[b][l], mask);
        const own =
          mask === undefined ? uniformPosterior(x, z, t, s, 1) : maskedPosterior(x, z, mask, t, s, 1);
        expect(largestError(own, expected)).toBeLessThanOrEqual(1e-6);
      });
    });
  });

  it('has both families', () => {
    expect(new Set(cases.map(({ family }) => family))).toEqual(new Set(['duo', 'mdlm']));
  });
});

const x = softmax([0.3, -1.2, 2.1, 0.4, -0.5]);
const [t, s] = [level(0.3), level(0.72)];

describe('a posterior put together', () => {
  it('of uniform states is Bayes’ rule, summed over x', () => {
    const K = x.length;
    const q = (from: number, to: number, alpha: number) => alpha * Number(from === to) + (1 - alpha) / K;
    const z = 1;
    // q(z_s | z_t, x_θ) with x_θ put in for x, as the reparametrisation has it.
    const joint = x.map((p, v) => (s.alpha * p + s.oneMinusAlpha / K) * q(v, z, t.alpha / s.alpha));
    const sum = joint.reduce((a, b) => a + b);
    const own = uniformPosterior(x, z, t, s, 1);
    expect(
      largestError(
        own,
        joint.map((value) => value / sum),
      ),
    ).toBeLessThan(1e-14);
  });

  it.each([0, 0.3, 1])('with κ = %d mixes in the clean posterior, noised again', (kappa) => {
    const clean = uniformPosterior(x, 1, t, CLEAN, 1);
    const noised = clean.map((p) => s.alpha * p + s.oneMinusAlpha / x.length);
    const expected = uniformPosterior(x, 1, t, s, 1).map((p, v) => kappa * p + (1 - kappa) * noised[v]);
    expect(largestError(uniformPosterior(x, 1, t, s, kappa), expected)).toBeLessThan(1e-14);

    const mask = 4;
    const subs = softmax([0.3, -1.2, 2.1, 0.4, 9], mask);
    for (const z of [1, mask]) {
      const cleanOf = maskedPosterior(subs, z, mask, t, CLEAN, 1);
      const again = cleanOf.map((p, v) => s.alpha * p + (v === mask ? s.oneMinusAlpha : 0));
      const mixed = maskedPosterior(subs, z, mask, t, s, 1).map((p, v) => kappa * p + (1 - kappa) * again[v]);
      expect(largestError(maskedPosterior(subs, z, mask, t, s, kappa), mixed)).toBeLessThan(1e-14);
    }
  });

  it.each([0, 0.4, 1])('sums to 1 at any level and κ = %d', (kappa) => {
    for (const alphaT of [1e-9, 1e-3, 0.5, 0.999, 1 - 1e-12])
      for (const alphaS of [alphaT, Math.sqrt(alphaT), 1])
        for (const present of [0, 1e-12, 0.3, 1]) {
          const { draw, stay, uniform } = uniformStateWeights(
            level(alphaT),
            level(alphaS),
            50258,
            present,
            kappa,
          );
          expect(Math.min(draw, stay, uniform)).toBeGreaterThanOrEqual(0);
          expect(draw + stay + uniform).toBeCloseTo(1, 9);
        }
  });

  it('of SEDD’s analytic step is the staggered score times the transition, normalised', () => {
    const mask = 4;
    const scores = [0.1, 0.02, 0.3, 0.25, 1]; // that of the present token, the mask, is 1
    for (const to of [s, level(0.31), CLEAN]) {
      const ratio = to.alpha / t.alpha; // e^{Δσ}
      const staggered = scores.map((score) => score * ratio);
      staggered[mask] += (1 - ratio) * scores.reduce((a, b) => a + b);
      const weights = staggered.map((weight, v) => weight * (v === mask ? 1 : 1 - 1 / ratio));
      if (to === CLEAN) weights[mask] = 0;
      const positive = weights.map((weight) => Math.max(0, weight));
      const sum = positive.reduce((a, b) => a + b);
      const scoreSum = scores.slice(0, mask).reduce((a, b) => a + b);
      const unmask = analyticUnmaskProbability(t, to, scoreSum);
      const own = scores.map((score, v) => (v === mask ? 1 - unmask : (unmask * score) / scoreSum));
      expect(
        largestError(
          own,
          positive.map((weight) => weight / sum),
        ),
      ).toBeLessThan(1e-14);
    }
  });

  it('gives no weight to the mask where the scores outweigh it', () => {
    expect(analyticUnmaskProbability(t, s, 100)).toBe(1);
  });
});
