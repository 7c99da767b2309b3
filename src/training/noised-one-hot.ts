/**
 * The largest entries of a noised one-hot vector w = α̃x + σ̃ε of K numbers: their tokens and their shares of softmax(w/τ)
 * (The Diffusion Duality, Chapter II, arXiv 2602.21185). Time and memory grow with the number of entries kept, not with K.
 *
 * The entries other than x's are independent normal numbers, so the largest of them are order statistics, drawn from the top
 * down: the largest of n uniforms is V^{1/n}, the next is that times V^{1/(n−1)}. Their tokens are drawn without replacement.
 * The entries not drawn enter the softmax's denominator by their mean, given that they are below the smallest one drawn.
 */
import { logMeanExpBelow, normalUpperQuantile } from '../statistics/normal.js';

export interface NoisedOneHot {
  /** Tokens of the largest entries and their shares of the softmax, [kept]; the shares sum to at most 1. */
  tokens: Int32Array;
  shares: Float32Array;
}

export interface OneHotNoise {
  /** α̃ and σ̃: the scales of the one-hot and of the noise. */
  signal: number;
  noise: number;
  /** 1/τ */
  inverseTemperature: number;
  /** K */
  vocabSize: number;
}

/** How many uniforms one vector takes. @param kept at most K */
export const uniformsPerVector = (kept: number, vocabSize: number): number =>
  1 + 2 * Math.min(kept, vocabSize - 1);

/**
 * @param out receives `kept` tokens and shares from index `at`, in no particular order
 * @param uniforms of (0, 1), independent, from `from` on: uniformsPerVector of them
 * @returns z, the token of the largest entry
 */
export function noisedOneHot(
  out: NoisedOneHot,
  at: number,
  x: number,
  kept: number,
  { signal, noise, inverseTemperature, vocabSize }: OneHotNoise,
  uniforms: Float64Array,
  from: number,
): number {
  const others = vocabSize - 1;
  const drawn = Math.min(kept, others);
  const values = largestNormals(others, drawn, uniforms, from + 1);
  const tokens = distinctTokens(others, drawn, uniforms, from + 1 + drawn);
  const own = signal + noise * normalUpperQuantile(uniforms[from]);

  const exponents = values.map((value) => noise * value * inverseTemperature);
  const ownExponent = own * inverseTemperature;
  const top = Math.max(exponents[0], ownExponent);
  let denominator = Math.exp(ownExponent - top);
  for (const exponent of exponents) denominator += Math.exp(exponent - top);
  if (drawn < others) {
    const mean = logMeanExpBelow(noise * inverseTemperature, values[drawn - 1]);
    denominator += (others - drawn) * Math.exp(mean - top);
  }

  let written = 0;
  const write = (token: number, exponent: number) => {
    out.tokens[at + written] = token;
    out.shares[at + written] = Math.exp(exponent - top) / denominator;
    written++;
  };
  // The largest of x and all drawn, which together may be one too many.
  const ownIsKept = kept > drawn || ownExponent > exponents[drawn - 1];
  if (ownIsKept) write(x, ownExponent);
  for (let i = 0; written < kept; i++) write(tokens[i] < x ? tokens[i] : tokens[i] + 1, exponents[i]);
  const first = tokens[0] < x ? tokens[0] : tokens[0] + 1;
  return ownExponent >= exponents[0] ? x : first;
}

/** The largest of n standard normal numbers, in descending order. */
function largestNormals(n: number, count: number, uniforms: Float64Array, from: number): Float64Array {
  const values = new Float64Array(count);
  let logUniform = 0;
  for (let i = 0; i < count; i++) {
    logUniform += Math.log(uniforms[from + i]) / (n - i);
    values[i] = normalUpperQuantile(-Math.expm1(logUniform));
  }
  return values;
}

/** The first `count` tokens of a random order of 0 … n − 1. The i-th is one of the n − i not yet chosen, found by counting past
 *  the chosen ones (`sorted`, ascending). */
function distinctTokens(n: number, count: number, uniforms: Float64Array, from: number): Int32Array {
  const chosen = new Int32Array(count);
  const sorted = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    let token = Math.floor(uniforms[from + i] * (n - i));
    let place = 0;
    while (place < i && sorted[place] <= token) {
      token++;
      place++;
    }
    sorted.copyWithin(place + 1, place, i);
    sorted[place] = token;
    chosen[i] = token;
  }
  return chosen;
}
