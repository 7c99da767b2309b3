/**
 * The closed form of what a protocol integrates, against the sum over every z and quadrature over α, with the exact
 * model's answer by messages in double precision.
 */
import { describe, expect, it } from 'vitest';
import { uniformControlVariate } from '../../../src/diffusion/control-variate.js';
import { type Integration, integration } from '../../../src/diffusion/integration.js';
import type { AlphaLevel } from '../../../src/diffusion/schedule.js';
import { noiseSchedule } from '../../../src/diffusion/schedule.js';
import { closedForm } from '../../../src/evals/calibration/closed-form.js';
import { unevenTokens } from '../../../src/evals/calibration/sources.js';
import { type MarkovChain, negativeLogProbabilities } from '../../../src/models/sources/markov.js';
import { uniformStateLoss } from '../../diffusion/scalar-losses.js';
import { allSequences, chainAfter, unevenChain } from '../../models/sources/chains.js';
import {
  type Emission,
  leaveOneOut,
  maskedEmission,
  uniformEmission,
} from '../../models/sources/leave-one-out.js';

const ranges = [
  ['duo', 'log-linear'],
  ['duo', 'cosine'],
  ['strict', 'log-linear'],
] as const;

describe.each(ranges)('protocol %s, %s schedule', (protocol, type) => {
  const range = integration(protocol, noiseSchedule({ type }));

  it('duo, a chain: but for two neighbours that are noisy at once', () => {
    const chain = unevenChain(4, 5);
    for (const x of [Int32Array.of(0, 1, 3), Int32Array.of(2, 2, 0)]) {
      const { overRange } = closedForm(chain, 'duo', range)(x);
      expect(Math.abs(overRange - uniformIntegral(chain, x, range)) / x.length).toBeLessThan(1e-4);
    }
  });

  it('duo, independent tokens: exactly', () => {
    for (const x of [Int32Array.of(0, 7), Int32Array.of(6, 3)]) {
      const { overRange } = closedForm(unevenTokens, 'duo', range)(x);
      expect(Math.abs(overRange - uniformIntegral(unevenTokens, x, range))).toBeLessThan(1e-6);
    }
  });

  it.each(['mdlm', 'sedd'] as const)('%s, a chain', (family) => {
    const chain = unevenChain(4, 5);
    for (const x of [Int32Array.of(0, 1, 3), Int32Array.of(2, 2, 0)]) {
      const { overRange } = closedForm(chain, family, range)(x);
      expect(Math.abs(overRange - maskedIntegral(chain, x, range))).toBeLessThan(1e-5);
    }
  });
});

it.each(ranges)(
  'bd3lm, protocol %s, %s: each block a text of its own after the token before it',
  (protocol, type) => {
    const range = integration(protocol, noiseSchedule({ type }));
    const chain = unevenChain(4, 5);
    for (const x of [Int32Array.of(0, 1, 3, 2, 2, 0, 1, 1), Int32Array.of(3, 3, 0, 1, 0, 2, 0, 3)]) {
      const { overRange } = closedForm(chain, 'bd3lm', range)(x);
      const first = maskedIntegral(chainAfter(chain, x[0]), x.subarray(1, 4), range);
      const second = maskedIntegral(chainAfter(chain, x[3]), x.subarray(4), range);
      expect(Math.abs(overRange - first - second) / x.length).toBeLessThan(2e-6);
    }
  },
);

it('what the closed form leaves out is far more than its error: it can be wrong', () => {
  const chain = unevenChain(4, 5);
  const range = integration('duo', noiseSchedule({ type: 'log-linear' }));
  const { whole, overRange } = closedForm(chain, 'duo', range)(Int32Array.of(0, 1, 3));
  expect(Math.abs(whole - overRange)).toBeGreaterThan(1e-3);
});

it('a model that is shown the last σ of its schedule beyond it pays less than 1e-8 nats per token for that', () => {
  const chain = unevenChain(4, 5);
  const below = { alphaRange: [0, 1e-3], oneMinusAlphaRange: [1, 0.999], measure: 1 } as const;
  for (const x of [Int32Array.of(0, 1, 3), Int32Array.of(2, 2, 0)]) {
    const own = uniformIntegral(chain, x, below);
    const clipped = uniformIntegral(chain, x, below, 0.999);
    expect(own).toBeGreaterThan(0);
    expect(Math.abs(clipped - own) / x.length).toBeLessThan(1e-8);
  }
});

it('independent tokens of −ln p = 2.0593 and 7.76 become 2.054 and 7.50 under the protocol duo', () => {
  const range = integration('duo', noiseSchedule({ type: 'log-linear' }));
  const costs = closedForm(unevenTokens, 'duo', range);
  expect(negativeLogProbabilities(unevenTokens, [6])[0]).toBeCloseTo(2.0593, 10);
  expect(negativeLogProbabilities(unevenTokens, [7])[0]).toBeCloseTo(7.76, 10);
  expect(costs(Int32Array.of(6)).overRange).toBeCloseTo(2.054, 3);
  expect(costs(Int32Array.of(7)).overRange).toBeCloseTo(7.5, 2);
});

it('under strict, what is left out of a token of −ln p = 12 is 1e-6/(K·p) nats and some', () => {
  const p = Float64Array.from([1, 1e-2, 1e-3, Math.exp(-12)]);
  const { integral } = uniformControlVariate(p.map((weight) => weight / p.reduce((sum, q) => sum + q, 0)));
  const left =
    integral(3, { alpha: 1, oneMinusAlpha: 0 }) - integral(3, { alpha: 1 - 1e-6, oneMinusAlpha: 1e-6 });
  expect(left / (1e-6 / (4 * Math.exp(-12)))).toBeGreaterThan(0.95);
  expect(left / (1e-6 / (4 * Math.exp(-12)))).toBeLessThan(1.05);
});

type Range = Pick<Integration, 'alphaRange' | 'oneMinusAlphaRange' | 'measure'>;

/** measure · ∫ f dα by Simpson's rule in ln(α/(1−α)); 4e-7 below α = 1e-7, where the integrand is O(α), is nothing. */
function integrate(range: Range, f: (level: AlphaLevel) => number): number {
  const logit = (alpha: number, oneMinusAlpha: number) => Math.log(Math.max(alpha, 1e-7) / oneMinusAlpha);
  const low = logit(range.alphaRange[0], range.oneMinusAlphaRange[0]);
  const high = logit(range.alphaRange[1], range.oneMinusAlphaRange[1]);
  const panels = 2 * Math.ceil((high - low) / 0.1);
  const step = (high - low) / panels;
  let sum = 0;
  for (let i = 0; i <= panels; i++) {
    const at = low + i * step;
    const level = { alpha: 1 / (1 + Math.exp(-at)), oneMinusAlpha: 1 / (1 + Math.exp(at)) };
    const weight = i === 0 || i === panels ? 1 : i % 2 === 1 ? 4 : 2;
    sum += (weight * step * level.alpha * level.oneMinusAlpha * f(level)) / 3;
  }
  return range.measure * sum;
}

/** @param shown the least α the model is told of: the messages' 1−α is at most this */
function uniformIntegral(chain: MarkovChain, x: Int32Array, range: Range, shown = 1): number {
  const K = chain.vocabSize;
  const all = allSequences(K, x.length);
  return integrate(range, (level) => {
    const { alpha, oneMinusAlpha } = level;
    const emission = uniformEmission(K, Math.min(oneMinusAlpha, shown));
    return expectation(chain, x.length, all, emission, {
      probability: (z, l) => (z === x[l] ? alpha : 0) + oneMinusAlpha / K,
      loss: (p, z, l) => uniformStateLoss(p, x[l], z, level),
    });
  });
}

function maskedIntegral(chain: MarkovChain, x: Int32Array, range: Range): number {
  const K = chain.vocabSize;
  const patterns = allSequences(2, x.length).map((masked, i) => (masked ? K : x[i % x.length]));
  return integrate(range, ({ alpha, oneMinusAlpha }) =>
    expectation(chain, x.length, patterns, maskedEmission(K), {
      probability: (z) => (z === K ? oneMinusAlpha : alpha),
      loss: (p, z, l) => (z === K ? -Math.log(p[x[l]]) / oneMinusAlpha : 0),
    }),
  );
}

/** Σ_z q(z|x) Σ_l loss. */
function expectation(
  chain: MarkovChain,
  L: number,
  all: Int32Array,
  emission: Emission,
  {
    probability,
    loss,
  }: {
    probability: (z: number, l: number) => number;
    loss: (p: Float64Array, z: number, l: number) => number;
  },
): number {
  const K = chain.vocabSize;
  let total = 0;
  for (let at = 0; at < all.length; at += L) {
    const z = all.subarray(at, at + L);
    const weight = z.reduce((product, token, l) => product * probability(token, l), 1);
    const answer = leaveOneOut(chain, z, emission).map(Math.exp);
    for (let l = 0; l < L; l++) total += weight * loss(answer.subarray(l * K, (l + 1) * K), z[l], l);
  }
  return total;
}
