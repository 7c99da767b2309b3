import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { lossOfGivenLogits } from './given-logits.js';

interface Oracle {
  family: 'ar' | 'mdlm' | 'sedd' | 'duo';
  vocab_size: number;
  alpha: number[];
  dalpha: number[];
  logits: number[][][];
  mask_token_id?: number;
  x0: number[][];
  xt: number[][];
  nll: number[][];
}

const file = new URL('../oracles/duo-reference.json', import.meta.url);
const oracles: Oracle[] = JSON.parse(readFileSync(file, 'utf8')).nll_and_posterior;

describe('the loss heads', () => {
  for (const [i, oracle] of oracles.entries()) {
    it(`give the reference's values to 1e-4: ${oracle.family}, K = ${oracle.vocab_size} (${i})`, async () => {
      const { family, nll, x0 } = oracle;
      const loss = await lossOfGivenLogits({
        family,
        vocabSize: oracle.vocab_size,
        maskTokenId: oracle.mask_token_id ?? null,
        logits: Float32Array.from(oracle.logits.flat(2)),
        targets: family === 'ar' ? x0.map((row) => row.slice(1)) : x0,
        noisy: oracle.xt,
        oneMinusAlpha: oracle.alpha.map((alpha) => 1 - alpha),
      });
      const scaled = loss.map((row, b) =>
        row.map((value) => value * (family === 'ar' ? 1 : -oracle.dalpha[b])),
      );
      for (const [b, row] of nll.entries()) {
        for (const [l, expected] of row.entries()) {
          expect(Math.abs(scaled[b][l] - expected)).toBeLessThanOrEqual(1e-4 * Math.abs(expected));
        }
      }
    });
  }
});
