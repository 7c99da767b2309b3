/**
 * Naive samplers that stand beside models, after Franca and Tong (arXiv 2606.08417): they know word counts at most, so a measure on
 * which one of them beats a model does not tell good text from bad there. They read other sequences than those that texts are
 * compared with, and take their period so that their entropy is about that of the models' texts.
 *
 *   unigram    tokens drawn independently, by their shares in real text
 *   periodic   the k most frequent tokens, over and over, from a random place; its entropy is ln k
 *   repeat     the beginning of a real text, over and over; of a prompt, its end
 */
import type { Tokenizer } from '../../datasets/tokenizer.js';
import { streams } from '../../random/streams.js';
import { fillUniforms, uniform } from '../../random/uniforms.js';
import { unigramEntropy } from './diversity.js';
import type { CONTROLS, SampleSetRecord } from './record.js';
import { type GeneratedText, type TextSet, tokenizerFacts } from './texts.js';

type ControlName = (typeof CONTROLS)[number];

/** What controls know of real text. */
export interface ControlKnowledge {
  tokenizer: Tokenizer;
  /** Sequences of real text, at least one. */
  texts: readonly Int32Array[];
  /** Entropy that texts of a control should have, nats: that of the models'. */
  entropy: number;
  length: number;
  seed: number;
}

/** A control, ready to write. */
export interface Control {
  name: ControlName;
  /** Tokens of its period; null for unigram. */
  period: number | null;
  /** @param sample number of the text   @param given tokens that it begins with   @returns [length] */
  write(sample: number, given?: ArrayLike<number>): Int32Array;
}

/** Sequences that periods are fitted to: the mean entropy of their beginnings moves little with more. */
const MOST_FITTED = 64;

export function controlsOf(known: ControlKnowledge): Control[] {
  const { tokenizer, seed, length } = known;
  const isSpecial = (token: number) => token === tokenizer.bosTokenId || token === tokenizer.eosTokenId;
  const texts = known.texts.map((tokens) => tokens.filter((token) => !isSpecial(token)));
  const counts = new Map<number, number>();
  for (const tokens of texts) for (const token of tokens) counts.set(token, (counts.get(token) ?? 0) + 1);
  const ranked = [...counts].sort(([a, m], [b, n]) => n - m || a - b).map(([token]) => token);
  const cumulative = cumulativeShares(ranked, counts);
  const period = Math.max(1, Math.min(ranked.length, Math.round(Math.exp(known.entropy))));
  const phrase = periodOfEntropy(texts.slice(0, MOST_FITTED), known.entropy, length);
  const address = (sample: number) => ({ seed, stream: streams.controlToken, sequence: sample, step: 0 });
  const written = (given: ArrayLike<number>, token: (l: number) => number) => {
    const tokens = new Int32Array(length);
    for (let l = 0; l < length; l++) tokens[l] = l < given.length ? given[l] : token(l);
    return tokens;
  };
  return [
    {
      name: 'unigram',
      period: null,
      write(sample, given = []) {
        const uniforms = new Float64Array(length);
        fillUniforms(uniforms, address(sample));
        return written(given, (l) => ranked[placeOf(cumulative, uniforms[l])]);
      },
    },
    {
      name: 'periodic',
      period,
      write(sample, given = []) {
        const last = ranked.indexOf(given[given.length - 1] ?? -1);
        const drawn = Math.floor(uniform(address(sample)) * period);
        const first = last >= 0 && last < period ? last + 1 : drawn;
        return written(given, (l) => ranked[(first + l - given.length) % period]);
      },
    },
    {
      name: 'repeat',
      period: phrase,
      write(sample, given = []) {
        const chosen = texts[Math.floor(uniform(address(sample)) * texts.length)];
        const source = given.length > 0 ? Int32Array.from(given).slice(-phrase) : chosen.subarray(0, phrase);
        return written(given, (l) => source[(l - given.length) % source.length]);
      },
    },
  ];
}

/** The texts of a control as a set beside the models'. */
export function controlTexts(
  control: Control,
  { tokenizer, length, seed }: ControlKnowledge,
  { count, cleanUp }: { count: number; cleanUp: boolean },
): TextSet {
  const options: NonNullable<SampleSetRecord['sampler']>['options'] =
    control.period === null ? {} : { period: control.period };
  async function* texts(): AsyncGenerator<GeneratedText> {
    for (let sample = 0; sample < count; sample++) {
      const tokens = control.write(sample);
      yield { tokens, text: tokenizer.decode(tokens, { cleanUp }), nfe: 0, seconds: null };
    }
  }
  return {
    name: control.name,
    ...{ model: null, dataset: null, count, tokenizer },
    facts: {
      ...{ path: null, length },
      ...tokenizerFacts(tokenizer),
      sampler: { name: control.name, options, steps: 1 },
      seed,
      ...{ temperature: null, topK: null, topP: null, prompt: false },
      control: control.name,
    },
    texts: texts(),
  };
}

/** The number of tokens at which the beginnings of texts reach this entropy, mean over texts; at most a whole text. */
function periodOfEntropy(texts: readonly Int32Array[], entropy: number, length: number): number {
  const most = Math.max(1, Math.min(length, ...texts.map((tokens) => tokens.length)));
  const meanAt = (period: number) =>
    texts.reduce((sum, tokens) => sum + unigramEntropy(tokens.subarray(0, period)), 0) / texts.length;
  let [low, high] = [1, most];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (meanAt(middle) < entropy) low = middle + 1;
    else high = middle;
  }
  return low;
}

function cumulativeShares(ranked: readonly number[], counts: ReadonlyMap<number, number>): Float64Array {
  let passed = 0;
  const sums = Float64Array.from(ranked, (token) => {
    passed += counts.get(token) ?? 0;
    return passed;
  });
  return sums.map((sum) => sum / passed);
}

/** Index of the first sum above u, by bisection. */
function placeOf(cumulative: Float64Array, u: number): number {
  let [low, high] = [0, cumulative.length - 1];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (cumulative[middle] > u) high = middle;
    else low = middle + 1;
  }
  return low;
}
