import { beforeAll, describe, expect, it } from 'vitest';
import { independentTokens, negativeLogProbabilities } from '../../../src/models/sources/markov.js';
import { markovDenoiser } from '../../../src/models/sources/markov-denoiser.js';
import { arLoss, duoLoss, mdlmLoss, seddLoss } from '../../diffusion/scalar-losses.js';
import { allSequences, type Denoiser, runnable, unevenChain } from './chains.js';

const K = 4;
const L = 5;
const steep = independentTokens([0.9, 0.0999, 9e-5, 1e-5]);
const chains = { 'an uneven chain': unevenChain(K, 5), 'steep independent tokens': steep };
const sequences = [
  [0, 0, 0, 0, 0],
  [3, 1, 0, 2, 1],
  [2, 3, 3, 0, 1],
  [1, 2, 0, 3, 0],
];

const sum = (values: Iterable<number>) => [...values].reduce((total, value) => total + value, 0);

describe.each(Object.entries(chains))('for %s the exact models pay −ln p of each sequence', (_, chain) => {
  const exact = sequences.map((x) => sum(negativeLogProbabilities(chain, x)));

  it('ar, token by token', async () => {
    const model = await runnable(markovDenoiser(chain, 'ar'));
    const logits = await model.logits(Int32Array.from(sequences.flat()), sequences.length);
    sequences.forEach((x, i) => {
      const row = (l: number) => logits.subarray((i * L + l) * K, (i * L + l + 1) * K);
      const rest = sum(x.slice(1).map((token, l) => arLoss(row(l), token)));
      expect(rest - Math.log(chain.initial[x[0]])).toBeCloseTo(exact[i], 5);
    });
  });

  it.each(['mdlm', 'sedd'] as const)('%s, summed over all masks and integrated over α', async (family) => {
    const model = await runnable(markovDenoiser(chain, family));
    for (const [i, x] of sequences.entries()) {
      expect((await maskedNelbo(model, x, family)) / exact[i]).toBeCloseTo(1, 5);
    }
  });

  describe('duo, summed over all z and integrated over α', () => {
    let losses: { leaveOneOut: number; ordinary: number }[];
    beforeAll(async () => {
      losses = await uniformNelbos(await runnable(markovDenoiser(chain, 'duo')), sequences);
    });

    it('with the leave-one-out posterior', () => {
      sequences.forEach((_, i) => {
        expect(losses[i].leaveOneOut / exact[i]).toBeCloseTo(1, 5);
      });
    });

    it('but not with the ordinary posterior, in which z_l counts twice', () => {
      sequences.forEach((_, i) => {
        expect(Math.abs(losses[i].ordinary / exact[i] - 1)).toBeGreaterThan(0.01);
      });
    });
  });
});

/** E_z ∫ loss/(1−α) dα, with the integral over α of α^{L−m}(1−α)^{m−1} in closed form, (m−1)!(L−m)!/L!. */
async function maskedNelbo(model: Denoiser, x: readonly number[], family: 'mdlm' | 'sedd'): Promise<number> {
  const patterns = allSequences(2, L);
  const count = patterns.length / L;
  const z = patterns.map((masked, i) => (masked ? K : x[i % L]));
  const logits = await model.logits(z, count);
  const loss = family === 'mdlm' ? mdlmLoss : seddLoss;
  // The losses are per unit of −dα; 1−α = 1 leaves their factor 1/(1−α) to the closed form.
  const level = { alpha: 0, oneMinusAlpha: 1 };
  let total = 0;
  for (let i = 0; i < count; i++) {
    const masked = sum(patterns.subarray(i * L, (i + 1) * L));
    const weight = (factorial(masked - 1) * factorial(L - masked)) / factorial(L);
    for (let l = i * L; l < (i + 1) * L; l++) {
      const row = logits.subarray(l * (K + 1), (l + 1) * (K + 1));
      if (z[l] === K) total += weight * loss(row, x[l % L], z[l], level, K);
    }
  }
  return total;
}

function factorial(n: number): number {
  return n <= 1 ? 1 : n * factorial(n - 1);
}

/** E_z ∫ loss dα over all K^L noisy sequences, by the trapezoid rule in ln(α/(1−α)) from −26 to 26. */
async function uniformNelbos(
  model: Denoiser,
  clean: readonly number[][],
): Promise<{ leaveOneOut: number; ordinary: number }[]> {
  const totals = clean.map(() => ({ leaveOneOut: 0, ordinary: 0 }));
  const all = allSequences(K, L);
  const count = all.length / L;
  const step = 0.65;
  for (let logit = -26; logit <= 26; logit += step) {
    const alpha = 1 / (1 + Math.exp(-logit));
    const oneMinusAlpha = 1 / (1 + Math.exp(logit));
    const dalpha = step * alpha * oneMinusAlpha;
    const level = { alpha, oneMinusAlpha };
    const sigma = oneMinusAlpha < 0.5 ? -Math.log1p(-oneMinusAlpha) : -Math.log(alpha);
    const logits = await model.logits(all, count, new Float32Array(count).fill(sigma));
    const own = Math.log1p((K * alpha) / oneMinusAlpha);
    for (let start = 0; start < all.length; start += L) {
      for (const [i, x] of clean.entries()) {
        let weight = dalpha;
        for (let l = 0; l < L; l++) weight *= oneMinusAlpha / K + (x[l] === all[start + l] ? alpha : 0);
        for (let l = 0; l < L; l++) {
          const z = all[start + l];
          const row = logits.subarray((start + l) * K, (start + l + 1) * K);
          totals[i].leaveOneOut += weight * duoLoss(row, x[l], z, level);
          const counted = row.map((f, v) => f + (v === z ? own : 0));
          totals[i].ordinary += weight * duoLoss(counted, x[l], z, level);
        }
      }
    }
  }
  return totals;
}
