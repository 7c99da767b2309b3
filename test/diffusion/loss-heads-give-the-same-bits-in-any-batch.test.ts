import { describe, expect, it } from 'vitest';
import { usesMask } from '../../src/models/family.js';
import { lossOfGivenLogits } from './given-logits.js';

/** Deterministic logits without a pattern that blocks of vector width could hide behind. */
const someLogits = (count: number) =>
  Float32Array.from({ length: count }, (_, i) => 3 * Math.sin(1.7 * i * i + i));

describe('a loss head', () => {
  for (const family of ['ar', 'mdlm', 'sedd', 'duo', 'd3pm', 'gidd'] as const) {
    for (const [K, length] of [
      [3, 5],
      [257, 9],
      [1031, 7],
    ]) {
      it(`gives a sequence the same bits whatever its batch and the threads: ${family}, K = ${K}`, async () => {
        const sequences = 13;
        const mask = usesMask(family) ? K - 1 : null;
        const logits = someLogits(sequences * length * K);
        const targets = Array.from({ length: sequences }, (_, b) =>
          Array.from({ length }, (_, l) => (b * 7 + l * 5) % (K - 1)),
        );
        const noisy = targets.map((row) =>
          row.map((x, l) => (l % 3 === 0 ? x : (mask ?? (x + 11) % (K - 1)))),
        );
        const oneMinusAlpha = targets.map((_, b) => (b + 0.5) / sequences);
        const lossOf = (from: number, to: number, threads: number) =>
          lossOfGivenLogits({
            family,
            vocabSize: K,
            maskTokenId: mask,
            logits: logits.slice(from * length * K, to * length * K),
            targets: targets.slice(from, to),
            noisy: noisy.slice(from, to),
            oneMinusAlpha: oneMinusAlpha.slice(from, to),
            nextOneMinusAlpha: oneMinusAlpha.slice(from, to).map((m) => m / 2),
            threads,
          });

        const whole = await lossOf(0, sequences, 1);
        expect(whole.flat().some((loss) => loss > 0)).toBe(true);
        for (const threads of [1, 2, 3]) {
          for (const batch of [1, 2, 5, 13]) {
            const parts: number[][] = [];
            for (let from = 0; from < sequences; from += batch) {
              parts.push(...(await lossOf(from, Math.min(sequences, from + batch), threads)));
            }
            expect(parts).toEqual(whole);
          }
        }
      });
    }
  }
});
