/**
 * Self-BLEU (Zhu et al., SIGIR 2018, arXiv 1802.01886): BLEU-4 (Papineni et al., ACL 2002) of each text with all others as its
 * references, mean over texts. Higher means that texts repeat each other. It rises with the number of texts.
 *
 * Tokens are the model's. An order without a match counts 0.1 matches (Chen and Cherry, WMT 2014, smoothing 1). Texts of a set
 * have one length, so there is no brevity penalty.
 */
import type { Estimate } from './bootstrap.js';
import { jackknife } from './jackknife.js';
import type { NumberedGrams } from './n-grams.js';
import { studentQuantile95 } from './student.js';

/** BLEU's longest n-grams. */
export const BLEU_ORDERS = 4;

/** Matches of an order that has none. */
const SMOOTHING = 0.1;

/** With fewer texts, no error is reported. */
const LEAST_TEXTS = 4;

/** An n-gram's number and how often it stands in a text. */
type Counted = readonly [gram: number, count: number][];

/**
 * In [0, 1]; null with fewer than two texts. Texts serve each other as references, so they are not independent terms of a mean:
 * the error is from a jackknife.
 * @param grams of the orders 1 to {@link BLEU_ORDERS}
 */
export function selfBleu(grams: NumberedGrams): Estimate {
  const counted = grams.ofTexts.map((texts) => texts.map(countsOf));
  const texts = counted[1].length;
  const of = (kept: readonly number[]) => meanBleu(counted, grams.sizes, kept);
  const all = [...counted[1].keys()];
  const value = texts < 2 ? null : of(all);
  if (value === null || texts < LEAST_TEXTS) return { value, stderr: null, ci95: null };
  // It has a value without any of them.
  const { stderr, groups } = jackknife(texts, of)!;
  const half = studentQuantile95(groups - 1) * stderr;
  return { value, stderr, ci95: [Math.max(0, value - half), Math.min(1, value + half)] };
}

function countsOf(grams: ArrayLike<number>): Counted {
  const counts = new Map<number, number>();
  for (let i = 0; i < grams.length; i++) counts.set(grams[i], (counts.get(grams[i]) ?? 0) + 1);
  return [...counts];
}

function meanBleu(
  counted: readonly (readonly Counted[])[],
  sizes: readonly number[],
  kept: readonly number[],
): number {
  const logs = new Float64Array(kept.length);
  for (let order = 1; order <= BLEU_ORDERS; order++) {
    const most = mostOfEach(counted[order], sizes[order], kept);
    for (const [place, i] of kept.entries()) {
      let [matches, total] = [0, 0];
      for (const [gram, count] of counted[order][i]) {
        matches += Math.min(count, most.holder[gram] === i ? most.second[gram] : most.first[gram]);
        total += count;
      }
      logs[place] += total > 0 ? Math.log(Math.max(matches, SMOOTHING) / total) / BLEU_ORDERS : 0;
    }
  }
  return logs.reduce((sum, log) => sum + Math.exp(Math.min(0, log)), 0) / kept.length;
}

/** Of each n-gram: the most occurrences in one text, which text, and the most in any other. */
function mostOfEach(texts: readonly Counted[], size: number, kept: readonly number[]) {
  const [first, second] = [new Uint32Array(size), new Uint32Array(size)];
  const holder = new Int32Array(size).fill(-1);
  for (const i of kept)
    for (const [gram, count] of texts[i]) {
      if (count > first[gram]) {
        [second[gram], first[gram], holder[gram]] = [first[gram], count, i];
      } else if (count > second[gram]) second[gram] = count;
    }
  return { first, second, holder };
}
