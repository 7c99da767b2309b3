/**
 * The forward process: a noisy z of a clean x, token by token (arXiv 2506.10892, section 2).
 *
 *   uniform   q(z|x) = α·[z = x] + (1−α)/K     kept with α, else one of all K tokens, which may be x again
 *   masked    q(z|x) = α·[z = x] + (1−α)·[z = mask]
 *   mixed     q(z|x) = α·[z = x] + u/(K−1)·[z ≠ mask] + (1−α−u)·[z = mask]     (arXiv 2503.04482, eq. 4)
 *
 * The functions take 1−α, not α, so that a probability of 1e-6 keeps its digits, and they take their random numbers as
 * arguments. Whether a token is replaced and by which one takes two independent numbers.
 */
import type { AlphaLevel } from './schedule.js';

/** z ~ q(·|x) of the uniform process, into `out`.
 *  @param x clean tokens, [length]
 *  @param component uniforms of [0, 1), [length]: replaced where it is below 1−α
 *  @param token independent uniforms of [0, 1), [length]: which of the K tokens replaces it
 *  @param vocabSize K, the width of the logits */
export function noiseUniform(
  out: Int32Array,
  x: ArrayLike<number>,
  oneMinusAlpha: number,
  vocabSize: number,
  component: Float64Array,
  token: Float64Array,
): Int32Array {
  for (let l = 0; l < x.length; l++) {
    out[l] = component[l] < oneMinusAlpha ? Math.floor(token[l] * vocabSize) : x[l];
  }
  return out;
}

/** z ~ q(·|x) of the masked process, into `out`.
 *  @param component uniforms of [0, 1), [length]: masked where it is below 1−α   @param first position that may become the mask */
export function noiseMasked(
  out: Int32Array,
  x: ArrayLike<number>,
  oneMinusAlpha: number,
  maskTokenId: number,
  component: Float64Array,
  first = 0,
): Int32Array {
  for (let l = 0; l < x.length; l++) out[l] = l >= first && component[l] < oneMinusAlpha ? maskTokenId : x[l];
  return out;
}

/** z ~ q(·|x) of masks and uniform noise together, into `out`.
 *  @param component uniforms of [0, 1), [length]: below u any token but the mask, then up to 1−α the mask
 *  @param token independent uniforms of [0, 1), [length]: which of the K − 1 tokens */
export function noiseMixed(
  out: Int32Array,
  x: ArrayLike<number>,
  { oneMinusAlpha, mixed }: Pick<AlphaLevel, 'oneMinusAlpha' | 'mixed'>,
  { vocabSize, maskTokenId }: { vocabSize: number; maskTokenId: number },
  component: Float64Array,
  token: Float64Array,
): Int32Array {
  const uniform = mixed?.uniform ?? 0;
  for (let l = 0; l < x.length; l++) {
    if (component[l] >= oneMinusAlpha) out[l] = x[l];
    else if (component[l] >= uniform) out[l] = maskTokenId;
    else out[l] = tokenBesideMask(token[l], vocabSize, maskTokenId);
  }
  return out;
}

/** Any of the K tokens but the mask, all equally likely. @param uniform of [0, 1) */
export function tokenBesideMask(uniform: number, vocabSize: number, maskTokenId: number): number {
  const token = Math.floor(uniform * (vocabSize - 1));
  return token < maskTokenId ? token : token + 1;
}

/** A uniform subset of the positions of x becomes masks, into `out`: those with the smallest numbers.
 *  @param count of masks, at most the length without what is before `first`   @param component uniforms of [0, 1), [length] */
export function noiseExactCount(
  out: Int32Array,
  x: ArrayLike<number>,
  count: number,
  maskTokenId: number,
  component: Float64Array,
  first = 0,
): Int32Array {
  const order = Array.from({ length: x.length - first }, (_, l) => l + first).sort(
    (i, j) => component[i] - component[j] || i - j,
  );
  for (let l = 0; l < first; l++) out[l] = x[l];
  for (const [rank, l] of order.entries()) out[l] = rank < count ? maskTokenId : x[l];
  return out;
}

/** A noise level for every block of a text. */
export interface BlockLevels {
  /** L′; the last block may be shorter. */
  blockSize: number;
  oneMinusAlpha(block: number): number;
  /** The first position that may become the mask; by default 1. */
  first?: number;
}

/** The masked process with a level of its own in every block; by default the first token of the text is given, as the reference of
 *  block diffusion has it (kuleshov-group/bd3lms, ignore_bos). */
export function noiseBlocks(
  out: Int32Array,
  x: ArrayLike<number>,
  { blockSize, oneMinusAlpha, first = 1 }: BlockLevels,
  maskTokenId: number,
  component: Float64Array,
): Int32Array {
  for (let from = 0; from < x.length; from += blockSize) {
    const level = oneMinusAlpha(from / blockSize);
    const to = Math.min(x.length, from + blockSize);
    for (let l = from; l < to; l++) out[l] = l >= first && component[l] < level ? maskTokenId : x[l];
  }
  return out;
}
