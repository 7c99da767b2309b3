import { describe, expect, it } from 'vitest';
import {
  type ControlVariate,
  controlVariateExpectation,
  evenControlVariate,
  maskedControlVariate,
  uniformControlVariate,
  unigramFromCounts,
} from '../../src/diffusion/control-variate.js';
import { integration } from '../../src/diffusion/integration.js';
import type { AlphaLevel } from '../../src/diffusion/schedule.js';
import { noiseSchedule } from '../../src/diffusion/schedule.js';
import { mdlmLoss, seddLoss, uniformStateLoss } from './scalar-losses.js';

const counts = [40, 0, 3, 3, 17, 1, 0, 9];
const K = counts.length;
const mask = 1;
const single = new Float64Array(1);
const level = (alpha: number): AlphaLevel => ({ alpha, oneMinusAlpha: 1 - alpha });
const lossOf = (control: ControlVariate, x: number, z: number, at: AlphaLevel) =>
  control.losses(single, [x], [z], at)[0];

interface Process {
  name: string;
  p: Float64Array;
  control: ControlVariate;
  tokens: number[];
  /** Σ_z q(z|x)·f(x, z). */
  mean(x: number, at: AlphaLevel): number;
}
const pMasked = unigramFromCounts(counts, mask);
const pUniform = unigramFromCounts(counts, null);
const masked = maskedControlVariate(pMasked, mask);
const uniform = uniformControlVariate(pUniform);
const even = evenControlVariate(K, 0.3);
const everyToken = counts.map((_, v) => v);
const processes: Process[] = [
  {
    name: 'masked',
    p: pMasked,
    control: masked,
    tokens: everyToken.filter((v) => v !== mask),
    mean: (x, at) => at.alpha * lossOf(masked, x, x, at) + at.oneMinusAlpha * lossOf(masked, x, mask, at),
  },
  {
    name: 'uniform',
    p: pUniform,
    control: uniform,
    tokens: everyToken,
    mean: (x, at) =>
      everyToken.reduce(
        (sum, z) => sum + ((z === x ? at.alpha : 0) + at.oneMinusAlpha / K) * lossOf(uniform, x, z, at),
        0,
      ),
  },
  {
    name: 'uniform, the same for every true token',
    p: new Float64Array(K).fill(0.3),
    control: even,
    tokens: everyToken,
    mean: (x, at) =>
      everyToken.reduce(
        (sum, z) => sum + ((z === x ? at.alpha : 0) + at.oneMinusAlpha / K) * lossOf(even, x, z, at),
        0,
      ),
  },
];

/** ∫ f(α) dα by the tanh-sinh rule, with 1 − α exact at the upper end when it is 1. */
function quadrature(f: (at: AlphaLevel) => number, low: number, high: number): number {
  const step = 1 / 32;
  let sum = 0;
  for (let k = -160; k <= 160; k++) {
    const s = (Math.PI / 2) * Math.sinh(k * step);
    const fromHigh = 1 / (1 + Math.exp(2 * s)); // distance from the upper end, as a share of the range
    const fromLow = 1 / (1 + Math.exp(-2 * s));
    const weight = Math.PI * Math.cosh(k * step) * fromHigh * fromLow * step;
    if (weight < 1e-18) continue;
    const span = high - low;
    sum += weight * span * f({ alpha: low + span * fromLow, oneMinusAlpha: 1 - high + span * fromHigh });
  }
  return sum;
}

describe.each(processes)('$name', ({ p, control, tokens, mean }) => {
  it('E_z of its loss integrates to D(α_hi) − D(α_lo)', () => {
    for (const [low, high] of [
      [0.001, 0.999],
      [0.2, 0.3],
      [0.5, 0.99999],
    ]) {
      for (const x of tokens) {
        const closed = control.integral(x, level(high)) - control.integral(x, level(low));
        expect(quadrature((at) => mean(x, at), low, high)).toBeCloseTo(closed, 9);
      }
    }
  });

  it('D(1) − D(0) is −ln p(x)', () => {
    for (const x of tokens) {
      const closed = control.integral(x, level(1)) - control.integral(x, level(0));
      expect(closed).toBeCloseTo(-Math.log(p[x]), 12);
      expect(quadrature((at) => mean(x, at), 0, 1)).toBeCloseTo(-Math.log(p[x]), 8);
    }
  });

  it.each([
    ['duo', 'log-linear'],
    ['duo', 'cosine'],
    ['strict', 'log-linear'],
    ['strict', 'cosine'],
  ] as const)('protocol %s over the %s schedule has the expectation that is subtracted', (protocol, type) => {
    const range = integration(protocol, noiseSchedule({ type }));
    // The protocol's own mean over u, by the trapezoid rule in its smooth variable.
    const n = 20_000;
    let sum = 0;
    for (let i = 0; i < n; i++) {
      const at = range.at((i + 0.5) / n);
      for (const x of tokens) sum += at.weight * mean(x, at);
    }
    const relative = sum / n / controlVariateExpectation(control, tokens, range);
    expect(Math.abs(relative - 1)).toBeLessThan(1e-6);
  });
});

it('is the loss of the unigram model: MDLM and SEDD', () => {
  const logits = pMasked.map((q) => Math.log(q)); // −∞ on the mask
  const scores = pMasked.map((q) => Math.log(q) + Math.log(K - 1));
  for (const x of processes[0].tokens) {
    for (const alpha of [1e-3, 0.4, 0.999]) {
      const control = lossOf(masked, x, mask, level(alpha));
      expect(control / mdlmLoss(logits, x, mask, level(alpha), mask)).toBeCloseTo(1, 12);
      expect(control / seddLoss(scores, x, mask, level(alpha), mask)).toBeCloseTo(1, 12);
      expect(lossOf(masked, x, x, level(alpha))).toBe(0);
    }
  }
});

it('is the loss of the unigram model: uniform states', () => {
  for (const alpha of [1e-3, 0.03, 0.4, 0.9, 0.999999]) {
    for (const x of everyToken) {
      for (const z of everyToken) {
        const loss = uniformStateLoss(pUniform, x, z, level(alpha));
        expect(Math.abs(lossOf(uniform, x, z, level(alpha)) - loss)).toBeLessThan(1e-10 * (1 + loss));
      }
    }
  }
});

it('gives add-one probabilities, 0 on the mask, and refuses a text that holds the mask', () => {
  expect(pMasked[mask]).toBe(0);
  expect(pMasked[0] / pMasked[6]).toBeCloseTo(41, 12);
  expect(pMasked.reduce((sum, q) => sum + q, 0)).toBeCloseTo(1, 12);
  expect(() => unigramFromCounts(counts, 0)).toThrow(/mask token 0 40 times/);
});
