/**
 * The sources that calibration runs: Markov chains with known probabilities, and the text that they score.
 *
 * The integrated loss of an exact model is −ln p(x) of every sequence, whatever x is and wherever it comes from. So the
 * text need not be drawn from the source itself: for the steep ones it is drawn from a flatter one, or their rare tokens,
 * on which a loss goes wrong first, would never occur.
 */
import {
  drawFromChain,
  independentTokens,
  type MarkovChain,
  markovChain,
} from '../../models/sources/markov.js';
import { streams } from '../../random/streams.js';
import { fillUniforms } from '../../random/uniforms.js';

export interface CalibrationSource {
  readonly name: string;
  /** One clause, for the table. */
  readonly description: string;
  /** The chain that the model is exact for. */
  readonly chain: MarkovChain;
  /** The chain that the text is drawn from. */
  readonly text: MarkovChain;
  /** Tokens do not depend on each other: the unigram model, which is the control variate, is then exact too. */
  readonly independent: boolean;
}

/** Independent tokens, K = 8: a token of −ln p = 2.0593 and one of 7.76 among moderately uneven ones. */
export const unevenTokens = independentTokens(
  withFixed([0.5, 0.2, 0.12, 0.05, 0.015, 0.01], [Math.exp(-2.0593), Math.exp(-7.76)]),
);

/** Independent tokens, K = 8, each much rarer than the one before: the rarest has −ln p = 12. */
const steepTokens = independentTokens(
  withFixed(
    [1],
    [2, 3, 4, 6, 8, 10, 12].map((nats) => Math.exp(-nats)),
  ),
);

/** Few tokens, so that a vocabulary size that is off by one shows clearly. */
const smallChain = randomChain(3, 1, 2);
/** K past the size up to which the Duo head computes in double precision. */
const steepChain = randomChain(100, 2, 6);

export const calibrationSources: readonly CalibrationSource[] = [
  {
    name: 'tokens',
    description: 'independent tokens, K = 8, −ln p from 0.8 to 7.8',
    chain: unevenTokens,
    text: unevenTokens,
    independent: true,
  },
  {
    name: 'steep-tokens',
    description: 'independent tokens, K = 8, −ln p from 0.2 to 12, all as frequent',
    chain: steepTokens,
    text: flattened(steepTokens, 0),
    independent: true,
  },
  {
    name: 'chain',
    description: 'a Markov chain, K = 3',
    chain: smallChain,
    text: smallChain,
    independent: false,
  },
  {
    name: 'steep-chain',
    description: 'a Markov chain, K = 100, text from a flatter one',
    chain: steepChain,
    text: flattened(steepChain, 0.5),
    independent: false,
  },
];

/** Sequences of the source's text. @returns `sequences` times [length] */
export function drawText(
  { text }: CalibrationSource,
  { sequences, length, seed }: { sequences: number; length: number; seed: number },
): Int32Array[] {
  const uniforms = new Float64Array(length);
  return Array.from({ length: sequences }, (_, sequence) => {
    fillUniforms(uniforms, { seed, stream: streams.sourceToken, sequence, step: 0 });
    return drawFromChain(text, uniforms);
  });
}

/** `free` weights scaled so that they and the `fixed` probabilities sum to 1. */
function withFixed(free: readonly number[], fixed: readonly number[]): number[] {
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const scale = (1 - sum(fixed)) / sum(free);
  return [...free.map((weight) => weight * scale), ...fixed];
}

/** A chain with rows of its own for every token: weights u^sharpness, and a floor that keeps −ln p below about 12. */
function randomChain(K: number, seed: number, sharpness: number): MarkovChain {
  const weights = (count: number, step: number) => {
    const u = new Float64Array(count);
    fillUniforms(u, { seed, stream: streams.sourceToken, sequence: 0, step });
    return u.map((value) => value ** sharpness + 1e-4);
  };
  return markovChain(weights(K, 1), weights(K * K, 2));
}

/** Every probability to the power `exponent`: 0 makes all tokens as frequent, 1 changes nothing. */
function flattened({ initial, transition }: MarkovChain, exponent: number): MarkovChain {
  const power = (p: number) => p ** exponent;
  return markovChain(initial.map(power), transition.map(power));
}
