import { describe, expect, it } from 'vitest';
import { isMasked, usesMask } from '../../src/models/family.js';
import { fillOpenUniforms } from '../../src/random/uniforms.js';
import { lossOfGivenLogits, mixedLevel } from './given-logits.js';
import { arLoss, d3pmLoss, duoLoss, giddLoss, mdlmLoss, seddLoss } from './scalar-losses.js';

/** Standard normals × spread, as float32 logits. */
function someLogits(count: number, spread: number, seed: number): Float32Array {
  const u = new Float64Array(2 * count);
  fillOpenUniforms(u, { seed, stream: 0x30, sequence: 0, step: 0 });
  return Float32Array.from(
    { length: count },
    (_, i) => spread * Math.sqrt(-2 * Math.log(u[2 * i])) * Math.cos(2 * Math.PI * u[2 * i + 1]),
  );
}

/** The other end of a step of discrete time; at the first, clean text. */
const nextOf = (level: number) => (level === 1e-3 ? 0 : 0.9 * level);
const levels = [1e-6, 1e-3, 0.1, 0.5, 0.9, 0.999];
const families = ['ar', 'mdlm', 'sedd', 'duo', 'd3pm', 'gidd'] as const;

describe('the loss heads, against double precision on the same logits', () => {
  for (const family of families) {
    for (const [K, spread] of [
      [65, 1],
      [512, 3],
      [50_258, 2],
    ]) {
      it(`agree: ${family}, K = ${K}, logits of spread ${spread}`, async () => {
        const batch = levels.length;
        const mask = usesMask(family) ? K - 1 : null;
        const logits = someLogits(batch * 3 * K, spread, 7);
        // Position 0: a token that stayed; 1: one that was replaced; 2: one the model is nearly sure of.
        const targets = levels.map((_, b) => [
          (b * 31) % (K - 1),
          (b * 17 + 5) % (K - 1),
          (b * 5 + 2) % (K - 1),
        ]);
        const noisy = targets.map(([x0, x1, x2]) =>
          mask !== null && isMasked(family) ? [mask, mask, mask] : [x0, (x1 + 3) % (K - 1), mask ?? x2],
        );
        for (let b = 0; b < batch; b++) logits[(b * 3 + 2) * K + targets[b][2]] = 30;

        const loss = await lossOfGivenLogits({
          family,
          vocabSize: K,
          maskTokenId: mask,
          logits,
          targets,
          noisy,
          oneMinusAlpha: levels,
          nextOneMinusAlpha: levels.map(nextOf),
        });
        for (const [b, oneMinusAlpha] of levels.entries()) {
          const level = { alpha: 1 - oneMinusAlpha, oneMinusAlpha };
          for (let l = 0; l < 3; l++) {
            const row = logits.subarray((b * 3 + l) * K, (b * 3 + l + 1) * K);
            const [x, z] = [targets[b][l], noisy[b][l]];
            const exact =
              family === 'ar'
                ? arLoss(row, x)
                : family === 'mdlm'
                  ? mdlmLoss(row, x, z, level, mask!)
                  : family === 'sedd'
                    ? seddLoss(row, x, z, level, mask!)
                    : family === 'd3pm'
                      ? d3pmLoss(row, x, z, level, nextOf(oneMinusAlpha), mask!)
                      : family === 'gidd'
                        ? giddLoss(row, x, z, mixedLevel(oneMinusAlpha), mask!)
                        : duoLoss(row, x, z, level);
            // float32 inputs: relative 2e-6, and an absolute floor that grows only as α vanishes (see the head), or with
            // the rate of noise where z is noise, which is as rare.
            const ofNoise = family === 'gidd' && z !== x ? mixedLevel(oneMinusAlpha).mixed.rate : 0;
            const floor = isMasked(family) ? 2e-6 / oneMinusAlpha : 2e-6 * Math.max(1 / level.alpha, ofNoise);
            expect(Math.abs(loss[b][l] - exact)).toBeLessThanOrEqual(2e-6 * Math.abs(exact) + floor);
          }
        }
      });
    }
  }
});
