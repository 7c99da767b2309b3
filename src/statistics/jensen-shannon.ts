/**
 * The Jensen–Shannon divergence (Lin, IEEE Trans. Inf. Theory 37, 1991) of the n-grams of two sets of texts, ½KL(p‖m) + ½KL(q‖m)
 * with m = (p+q)/2: 0 where they are equal, ln 2 where they share nothing. From finite texts it comes out too high, the more so the
 * longer the n-grams are, so it compares only between sets of one size.
 */
import { type BootstrapOptions, type Estimate, resample, standardDeviation } from './bootstrap.js';
import { jackknife } from './jackknife.js';
import { studentQuantile95 } from './student.js';

/** Replicates of the bootstrap: a standard deviation is known to 5% from these. */
const DIVERGENCE_RESAMPLES = 200;

/** With fewer texts on a side, no error is reported. */
const LEAST_TEXTS = 3;

/** Nats, from counts per n-gram. @param totals sums of the counts, > 0 */
export function jensenShannon(
  p: ArrayLike<number>,
  q: ArrayLike<number>,
  [totalP, totalQ]: readonly [number, number],
): number {
  let total = 0;
  for (let v = 0; v < p.length; v++) {
    const [a, b] = [p[v] / totalP, q[v] / totalQ];
    if (a > 0) total += (a / 2) * Math.log((2 * a) / (a + b));
    if (b > 0) total += (b / 2) * Math.log((2 * b) / (a + b));
  }
  return Math.min(Math.LN2, Math.max(0, total));
}

/**
 * The divergence and its error: the spread of a bootstrap, whose replicates draw the texts of both sides again, or that of a jackknife, where it
 * is larger. Of long n-grams most stand in one text, and a replicate that lacks some of the texts lacks their n-grams: near ln 2 replicates hardly
 * differ, and the bootstrap alone is up to 0.7 times too small. Replicates lie too high as the figure itself does, so only their spread is
 * used: the interval is of what texts of these numbers give on average.
 * @param p, q the n-grams of each text, by number below `size`
 */
export function divergenceOfTexts(
  p: readonly ArrayLike<number>[],
  q: readonly ArrayLike<number>[],
  size: number,
  options: BootstrapOptions,
): Estimate {
  const every = [everyIndex(p), everyIndex(q)];
  const value = divergenceOf([p, q], every, size);
  if (value === null || Math.min(p.length, q.length) < LEAST_TEXTS)
    return { value, stderr: null, ci95: null };
  const { seed, group = 0, resamples = DIVERGENCE_RESAMPLES } = options;
  const replicates: number[] = [];
  for (let replicate = 0; replicate < resamples; replicate++) {
    const drawn = [p, q].map((texts, side) => {
      const indices = new Uint32Array(texts.length);
      resample(indices, texts.length, replicate, { seed, group: 2 * group + side });
      return indices;
    });
    const again = divergenceOf([p, q], drawn, size);
    if (again !== null) replicates.push(again);
  }
  const left = [p, q].map((texts, side) =>
    jackknife(texts.length, (kept) => {
      const indices = every.map((all, i) => (i === side ? Uint32Array.from(kept) : all));
      return divergenceOf([p, q], indices, size);
    }),
  );
  const spread = standardDeviation(replicates);
  if (spread === null) return { value, stderr: null, ci95: null };
  const stderr = Math.max(spread, Math.hypot(...left.map((one) => one?.stderr ?? 0)));
  const half = studentQuantile95(Math.min(p.length, q.length) - 1) * stderr;
  return { value, stderr, ci95: [Math.max(0, value - half), Math.min(Math.LN2, value + half)] };
}

/** Null where a side has no n-grams. */
function divergenceOf(
  sides: readonly (readonly ArrayLike<number>[])[],
  indices: readonly Uint32Array[],
  size: number,
): number | null {
  const totals: number[] = [];
  const counts = sides.map((texts, side) => {
    const counted = new Uint32Array(size);
    let total = 0;
    for (const index of indices[side]) {
      const grams = texts[index];
      for (let i = 0; i < grams.length; i++) counted[grams[i]]++;
      total += grams.length;
    }
    totals.push(total);
    return counted;
  });
  const [totalP, totalQ] = totals;
  return totalP > 0 && totalQ > 0 ? jensenShannon(counts[0], counts[1], [totalP, totalQ]) : null;
}

const everyIndex = (texts: readonly unknown[]): Uint32Array => Uint32Array.from(texts.keys());
