/**
 * argmax(α̃x + σ̃ε) at two noise levels, for one ε of K normal numbers.
 *
 * Of the tokens other than x the one with the largest ε wins at every level, and it wins from x where σ̃M > α̃ + σ̃ε_x, M
 * being its ε. So a pair takes three uniforms a token, for ε_x, M and whose M is, and once x is lost it stays lost to the
 * same token as the noise grows:
 *
 *     z = x where α̃/σ̃ = e^{−γ/2} ≥ M − ε_x, otherwise the other
 */
import { normalUpperQuantile } from '../../statistics/normal.js';

export const UNIFORMS_PER_TOKEN = 3;

export interface NoisePair {
  /** Tokens at the two levels, [x.length] each. */
  later: Int32Array;
  earlier: Int32Array;
}

/**
 * @param x clean tokens
 * @param ratios α̃/σ̃ of the later and of the earlier level
 * @param uniforms of (0, 1), independent: UNIFORMS_PER_TOKEN each
 */
export function noisePair(
  { later, earlier }: NoisePair,
  x: Int32Array,
  ratios: { later: number; earlier: number },
  vocabSize: number,
  uniforms: Float64Array,
): void {
  const others = vocabSize - 1;
  for (let l = 0; l < x.length; l++) {
    const own = normalUpperQuantile(uniforms[3 * l]);
    // The largest of n uniforms is V^{1/n}.
    const largest = normalUpperQuantile(-Math.expm1(Math.log(uniforms[3 * l + 1]) / others));
    const place = Math.floor(uniforms[3 * l + 2] * others);
    const other = place < x[l] ? place : place + 1;
    const lead = largest - own;
    later[l] = ratios.later >= lead ? x[l] : other;
    earlier[l] = ratios.earlier >= lead ? x[l] : other;
  }
}
