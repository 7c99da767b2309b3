import { describe, expect, it } from 'vitest';
import { drawFromChain, negativeLogProbabilities } from '../../../src/models/sources/markov.js';
import { markovDenoiser, SOURCE_BLOCK } from '../../../src/models/sources/markov-denoiser.js';
import { logSoftmax } from '../../diffusion/scalar-losses.js';
import { allSequences, chainAfter, runnable, unevenChain } from './chains.js';
import { generator } from './generator.js';
import { enumeratedLeaveOneOut, leaveOneOut, maskedEmission, uniformEmission } from './leave-one-out.js';

/** The float32 number a network is fed. */
const fed = Math.fround;
const oneMinusAlphaOf = (sigma: number) => -Math.expm1(-fed(sigma));

/** Largest |difference| of normalised log probabilities; `width` ≥ K entries a position, those from K on left out. */
function largestError(logits: Float32Array, exact: Float64Array, K: number, width = K): number {
  let largest = 0;
  for (let l = 0; l * K < exact.length; l++) {
    const row = logSoftmax(logits.subarray(l * width, l * width + K));
    for (let v = 0; v < K; v++) largest = Math.max(largest, Math.abs(row[v] - exact[l * K + v]));
  }
  return largest;
}

describe('the graph of a chain of 3 tokens, 5 long, against a sum over all clean sequences', () => {
  const K = 3;
  const L = 5;
  const chain = unevenChain(K, 7);

  it('agrees for uniform states, every z and σ from 1e-6 to 13.8', async () => {
    const model = await runnable(markovDenoiser(chain, 'duo'));
    const all = allSequences(K, L);
    const count = all.length / L;
    for (const sigma of [1e-6, 1e-3, 0.2, 1, 3, 6.9, 13.8]) {
      const logits = await model.logits(all, count, new Float32Array(count).fill(sigma));
      for (let i = 0; i < count; i++) {
        const z = all.subarray(i * L, (i + 1) * L);
        const exact = enumeratedLeaveOneOut(chain, z, uniformEmission(K, oneMinusAlphaOf(sigma)));
        expect(largestError(logits.subarray(i * L * K, (i + 1) * L * K), exact, K)).toBeLessThan(1e-5);
      }
    }
  });

  it('agrees for masked states, every z', async () => {
    const model = await runnable(markovDenoiser(chain, 'mdlm'));
    const all = allSequences(K + 1, L);
    const count = all.length / L;
    const logits = await model.logits(all, count);
    const size = L * (K + 1);
    for (let i = 0; i < count; i++) {
      const exact = enumeratedLeaveOneOut(chain, all.subarray(i * L, (i + 1) * L), maskedEmission(K));
      expect(largestError(logits.subarray(i * size, (i + 1) * size), exact, K, K + 1)).toBeLessThan(1e-5);
    }
  });
});

it('the graph of block diffusion: every z of a block, after each token that can come before it', async () => {
  const K = 3;
  const chain = unevenChain(K, 7);
  const model = await runnable(markovDenoiser(chain, 'bd3lm'));
  const all = allSequences(K + 1, SOURCE_BLOCK);
  const size = SOURCE_BLOCK * (K + 1);
  for (const token of [0, 1, 2]) {
    // The clean text is known where the model may look, at the end of the first block, and wrong elsewhere.
    const clean = [0, 0, 0, token, 0, 0, 0, 0];
    const block = (i: number) => all.subarray(i, i + SOURCE_BLOCK);
    const texts = Array.from({ length: all.length / SOURCE_BLOCK }, (_, i) => [
      ...[...block(SOURCE_BLOCK * i), ...block(all.length - SOURCE_BLOCK * (i + 1))],
      ...clean,
    ]);
    const logits = await model.logits(Int32Array.from(texts.flat()), texts.length);
    for (const [i, text] of texts.entries()) {
      for (const [b, source] of [chain, chainAfter(chain, token)].entries()) {
        const z = text.slice(SOURCE_BLOCK * b, SOURCE_BLOCK * (b + 1));
        const found = logits.subarray((4 * i + b) * size, (4 * i + b + 1) * size);
        const exact = enumeratedLeaveOneOut(source, z, maskedEmission(K));
        expect(largestError(found, exact, K, K + 1)).toBeLessThan(1e-5);
      }
    }
  }
});

describe('the graph of a chain of 257 tokens, 128 long, against double-precision messages', () => {
  const K = 257;
  const L = 128;
  const chain = unevenChain(K, 11, 9);
  const uniform = generator(3);
  const x = drawFromChain(chain, Float64Array.from({ length: L }, uniform));

  it('agrees for uniform states from σ = 1e-6 to 13.8', async () => {
    const model = await runnable(markovDenoiser(chain, 'duo'));
    for (const sigma of [1e-6, 1e-4, 0.03, 0.7, 3, 6.9, 13.8]) {
      const oneMinusAlpha = oneMinusAlphaOf(sigma);
      // A few tokens are noise whatever σ is: the model must stay exact where the text surprises it.
      const z = x.map((token) =>
        uniform() < Math.max(oneMinusAlpha, 0.05) ? Math.floor(uniform() * K) : token,
      );
      const logits = await model.logits(z, 1, Float32Array.of(sigma));
      const exact = leaveOneOut(chain, z, uniformEmission(K, oneMinusAlpha));
      expect(largestError(logits, exact, K), `σ = ${sigma}`).toBeLessThan(1e-5);
    }
  });

  it('agrees for masked states, whether few or all are masked', async () => {
    const model = await runnable(markovDenoiser(chain, 'mdlm'));
    for (const share of [0.01, 0.5, 0.97, 1]) {
      const z = x.map((token) => (uniform() < share ? K : token));
      const logits = await model.logits(z, 1);
      const exact = leaveOneOut(chain, z, maskedEmission(K));
      expect(largestError(logits, exact, K, K + 1), `${share} masked`).toBeLessThan(1e-5);
    }
  });

  it('gives the ar model the transition probabilities', async () => {
    const model = await runnable(markovDenoiser(chain, 'ar'));
    const logits = await model.logits(x, 1);
    const exact = negativeLogProbabilities(chain, x);
    for (let l = 1; l < L; l++) expect(-logits[(l - 1) * K + x[l]]).toBeCloseTo(exact[l], 5);
  });

  it('stays finite without any noise', async () => {
    const model = await runnable(markovDenoiser(chain, 'duo'));
    const logits = await model.logits(x, 1, Float32Array.of(0));
    expect(logits.every(Number.isFinite)).toBe(true);
  });
});
