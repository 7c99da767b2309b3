/**
 * A Markov chain over bytes fitted to texts, for sequences packed as [BOS] text [EOS], where one boundary token is both.
 *
 * The boundary carries no information: it follows every token with the same probability, and every sequence starts with it.
 * So the text costs the same whether its boundaries are scored or not, apart from what the noise at the last position of a
 * uniform-state model hides (fixtures/README.md has the figure).
 */
import { type MarkovChain, markovChain } from './markov.js';

/** The token after the 256 bytes: the beginning and end of a sequence. */
export const boundaryToken = 256;

/** Share of every byte distribution that is uniform over the 256 bytes: −ln p of a byte is at most about 12.5. */
const uniformShare = 1e-3;
/** Probability that a sequence starts with anything but the boundary. */
const startsElsewhere = 1e-9;

/** Counts of v followed by w, at v·256 + w, within texts but not across them. */
export function countByteBigrams(texts: Iterable<Uint8Array>): Float64Array {
  const counts = new Float64Array(256 * 256);
  for (const text of texts) {
    for (let i = 1; i < text.length; i++) counts[text[i - 1] * 256 + text[i]]++;
  }
  return counts;
}

/**
 * Bigram frequencies interpolated with unigram frequencies as Witten and Bell (1991, method C) weigh them: a byte seen n times with
 * d different successors keeps n/(n+d) of its own distribution.
 * @param counts from countByteBigrams   @param length L of the sequences, which sets how often the boundary comes
 * @returns a chain over 257 tokens
 */
export function byteBigramChain(counts: Float64Array, length: number): MarkovChain {
  const K = 257;
  const boundary = 1 / (length - 1);
  const bytes = unigram(counts);
  const transition = new Float64Array(K * K);
  for (let v = 0; v < K; v++) {
    const row = v === boundaryToken ? bytes : successors(counts.subarray(v * 256, (v + 1) * 256), bytes);
    for (let w = 0; w < 256; w++) {
      transition[v * K + w] = (1 - boundary) * ((1 - uniformShare) * row[w] + uniformShare / 256);
    }
    transition[v * K + boundaryToken] = boundary;
  }
  const initial = new Float64Array(K).fill(startsElsewhere / 256);
  initial[boundaryToken] = 1 - startsElsewhere;
  return markovChain(initial, transition);
}

function unigram(counts: Float64Array): Float64Array {
  const bytes = new Float64Array(256);
  for (let i = 0; i < counts.length; i++) bytes[i % 256] += counts[i];
  const total = sum(bytes);
  return bytes.map((count) => count / total);
}

function successors(counts: Float64Array, fallback: Float64Array): Float64Array {
  const seen = sum(counts);
  const distinct = counts.reduce((number, count) => number + (count > 0 ? 1 : 0), 0);
  if (seen === 0) return fallback;
  return counts.map((count, w) => (count + distinct * fallback[w]) / (seen + distinct));
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0);
}
