/**
 * MAUVE of two sets of texts from vectors that describe them (Pillutla et al. 2021, arXiv 2102.01454): rows of length 1, the
 * principal components that hold 90% of their variance, k-means on both sets together, and the divergence frontier of the two
 * histograms over clusters.
 *
 * k-means depends on its start: with 2 × 200 texts MAUVE moves by 0.01 to 0.02 with the seed. So the figure is the mean over
 * several seeds. Its error joins a bootstrap over texts in which clusters stay as they are, and the spread over seeds. The spread
 * counts whole, not that of the mean: other texts would have other clusters, and no number of seeds averages that out.
 */
import { type Estimate, resample, standardDeviation } from './bootstrap.js';
import { frontierIntegral, mauve, smoothed } from './divergence-frontier.js';
import { kMeans, type Rows } from './k-means.js';
import { principalComponents } from './principal-components.js';
import { studentQuantile95 } from './student.js';

/** What is computed from two histograms. All three lie in [0, 1]. */
const MAUVE_FIGURES = {
  mauve,
  /** MAUVE of smoothed counts. */
  mauveStar: (p: Float64Array, q: Float64Array) => mauve(smoothed(p), smoothed(q)),
  frontierIntegral,
} as const;
type MauveFigure = keyof typeof MAUVE_FIGURES;

/** As the authors' package has them. */
export const MAUVE_SETTINGS = {
  /** Texts of the smaller set per cluster. */
  textsPerCluster: 10,
  /** Share of the variance that the components must explain. */
  explainedVariance: 0.9,
  restarts: 5,
} as const;

/** Seeds of k-means, of whose figures the mean is taken. */
export const MAUVE_SEEDS = 5;

/** Replicates of the bootstrap. */
const RESAMPLES = 200;

/** Sets without a common cluster have the same figure in every replicate, up to this. */
const ROUNDING = 1e-12;

export interface MauveEstimate {
  figures: Record<MauveFigure, Estimate>;
  clusters: number;
  /** Dimensions after the projection. */
  components: number;
}

/** Clusters for two sets of texts: a tenth of the smaller one, at least 2. */
const clustersFor = (textsOfP: number, textsOfQ: number): number =>
  Math.max(2, Math.round(Math.min(textsOfP, textsOfQ) / MAUVE_SETTINGS.textsPerCluster));

/**
 * @param p, q one row per text, of one width, at least 2 each
 * @throws DomainError when a coordinate is not finite
 */
export function mauveOfFeatures(
  p: Rows,
  q: Rows,
  { seed, clusters = clustersFor(p.rows, q.rows) }: { seed: number; clusters?: number },
): MauveEstimate {
  const { projected } = principalComponents(withUnitRows(stacked(q, p)), MAUVE_SETTINGS.explainedVariance);
  const { restarts } = MAUVE_SETTINGS;
  const clusterings = Array.from({ length: MAUVE_SEEDS }, (_, i) => {
    const { labels } = kMeans(projected, { clusters, seed: seed + i, restarts });
    return { ofQ: labels.subarray(0, q.rows), ofP: labels.subarray(q.rows) };
  });
  const names = Object.keys(MAUVE_FIGURES) as MauveFigure[];
  const histogramsOf = (indices: { p: Uint32Array; q: Uint32Array }) =>
    clusterings.map(({ ofP, ofQ }) => [
      histogram(ofP, indices.p, clusters),
      histogram(ofQ, indices.q, clusters),
    ]);
  const bySeed = histogramsOf({ p: everyIndex(p.rows), q: everyIndex(q.rows) });
  const drawn = Array.from({ length: RESAMPLES }, (_, replicate) => {
    const indices = { p: new Uint32Array(p.rows), q: new Uint32Array(q.rows) };
    resample(indices.p, p.rows, replicate, { seed, group: 0 });
    resample(indices.q, q.rows, replicate, { seed, group: 1 });
    return histogramsOf(indices);
  });
  const estimateOf = (name: MauveFigure): Estimate => {
    const values = bySeed.map(([a, b]) => MAUVE_FIGURES[name](a, b));
    const replicates = drawn.map((pairs) => mean(pairs.map(([a, b]) => MAUVE_FIGURES[name](a, b))));
    const overSeeds = standardDeviation(values) ?? 0;
    const spread = Math.hypot(overSeeds, standardDeviation(replicates) ?? 0);
    const stderr = spread < ROUNDING ? 0 : spread;
    return insideUnit({ value: mean(values), stderr, degrees: Math.min(p.rows, q.rows) - 1 });
  };
  return {
    figures: Object.fromEntries(names.map((name) => [name, estimateOf(name)])) as MauveEstimate['figures'],
    clusters,
    components: projected.width,
  };
}

/** Student's interval of the logit, which stays inside (0, 1). */
function insideUnit({
  value,
  stderr,
  degrees,
}: {
  value: number;
  stderr: number;
  degrees: number;
}): Estimate {
  if (!(value > 0 && value < 1 && stderr > 0)) return { value, stderr, ci95: null };
  const logit = Math.log(value / (1 - value));
  const half = (studentQuantile95(degrees) * stderr) / (value * (1 - value));
  const back = (x: number) => 1 / (1 + Math.exp(-x));
  return { value, stderr, ci95: [back(logit - half), back(logit + half)] };
}

function stacked(first: Rows, second: Rows): Rows {
  const data = new Float64Array(first.data.length + second.data.length);
  data.set(first.data);
  data.set(second.data, first.data.length);
  return { data, rows: first.rows + second.rows, width: first.width };
}

/** A row of zeros stays. */
function withUnitRows({ data, rows, width }: Rows): Rows {
  const scaled = data.slice();
  for (let i = 0; i < rows; i++) {
    const row = scaled.subarray(i * width, (i + 1) * width);
    const norm = Math.hypot(...row) || 1;
    for (let k = 0; k < width; k++) row[k] /= norm;
  }
  return { data: scaled, rows, width };
}

function histogram(labels: Uint32Array, indices: Uint32Array, clusters: number): Float64Array {
  const counts = new Float64Array(clusters);
  for (const i of indices) counts[labels[i]]++;
  return counts;
}

const everyIndex = (count: number): Uint32Array => Uint32Array.from({ length: count }, (_, i) => i);
const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
