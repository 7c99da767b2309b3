/**
 * A first-order Markov chain over tokens: a source of text whose probabilities are known in closed form. Independent
 * tokens are the chain with equal rows.
 *
 * Not responsible for how a chain is fitted (byte-bigram.ts) or for the denoisers that know it (markov-denoiser.ts).
 */
import { ModelError } from '../../errors.js';

export interface MarkovChain {
  /** K: tokens are 0 … K−1. A mask token, where a family needs one, is K and not among them. */
  readonly vocabSize: number;
  /** p(x_1), [K]. */
  readonly initial: Float64Array;
  /** P(v → w) at v·K + w, [K, K]. */
  readonly transition: Float64Array;
}

/** Below this the product of two float32 messages could vanish; see markov-denoiser.ts. */
const LEAST_PROBABILITY = 1e-15;

/**
 * @param initial weights of the first token, [K]   @param transition weights of v → w, [K, K]
 * @returns the chain with every distribution divided by its sum
 * @throws ModelError when the sizes do not fit or a probability is below 1e-15 (zero included)
 */
export function markovChain(initial: ArrayLike<number>, transition: ArrayLike<number>): MarkovChain {
  const K = initial.length;
  if (K < 2 || transition.length !== K * K) {
    throw badChain(
      `a chain over ${K} tokens needs K ≥ 2 and ${K * K} transitions, ${transition.length} are given`,
    );
  }
  const chain = {
    vocabSize: K,
    initial: Float64Array.from(initial),
    transition: Float64Array.from(transition),
  };
  normalise(chain.initial, 'the first token');
  for (let v = 0; v < K; v++) {
    normalise(chain.transition.subarray(v * K, (v + 1) * K), `the token after ${v}`);
  }
  return chain;
}

/** Tokens drawn independently. @param probabilities weights, [K] */
export function independentTokens(probabilities: ArrayLike<number>): MarkovChain {
  const row = Array.from(probabilities);
  return markovChain(
    row,
    row.flatMap(() => row),
  );
}

/**
 * −ln p(x) of each token given those before it, in nats: what an exact ar model pays, and what the integrated losses of
 * an exact diffusion model add up to over the sequence.
 * @returns [tokens.length]; the first entry is −ln p(x_1)
 */
export function negativeLogProbabilities(chain: MarkovChain, tokens: ArrayLike<number>): Float64Array {
  const K = chain.vocabSize;
  return Float64Array.from(tokens, (token, l) =>
    l === 0 ? -Math.log(chain.initial[token]) : -Math.log(chain.transition[tokens[l - 1] * K + token]),
  );
}

/** Draws a sequence of the chain by inverse CDF. @param uniforms of [0, 1), one per token */
export function drawFromChain(chain: MarkovChain, uniforms: ArrayLike<number>): Int32Array {
  const K = chain.vocabSize;
  const tokens = new Int32Array(uniforms.length);
  for (let l = 0; l < tokens.length; l++) {
    const start = l === 0 ? 0 : tokens[l - 1] * K;
    const row = l === 0 ? chain.initial : chain.transition;
    let rest = uniforms[l];
    let token = 0;
    while (token < K - 1 && rest >= row[start + token]) rest -= row[start + token++];
    tokens[l] = token;
  }
  return tokens;
}

function normalise(row: Float64Array, what: string): void {
  const sum = row.reduce((total, weight) => total + weight, 0);
  for (let v = 0; v < row.length; v++) {
    row[v] /= sum;
    if (!(row[v] >= LEAST_PROBABILITY)) {
      throw badChain(`the probability of ${v} as ${what} is ${row[v]}, below ${LEAST_PROBABILITY}`);
    }
  }
}

function badChain(why: string): ModelError {
  return new ModelError({
    code: 'bad-markov-chain',
    message: `This is not a usable Markov chain: ${why}.`,
    hint: 'Smooth the distributions, so that every token can follow every other.',
  });
}
