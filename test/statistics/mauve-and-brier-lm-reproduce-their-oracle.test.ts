/** test/oracles/likelihood/E-mauve-brier.json.gz: made with numpy by the definitions of the authors' packages. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { brierItem, brierScores } from '../../src/statistics/brier.js';
import { frontierIntegral, mauve, smoothed } from '../../src/statistics/divergence-frontier.js';
import { kMeans, type Rows } from '../../src/statistics/k-means.js';
import { mauveOfFeatures } from '../../src/statistics/mauve.js';
import { principalComponents } from '../../src/statistics/principal-components.js';

const oracle = JSON.parse(
  gunzipSync(
    readFileSync(new URL('../oracles/likelihood/E-mauve-brier.json.gz', import.meta.url)),
  ).toString(),
);

type Loose = Record<string, unknown>;

interface Histograms {
  name: string;
  p_counts: number[];
  q_counts: number[];
  [figure: string]: number | number[] | string;
}

const cases: Histograms[] = [
  ...oracle.histograms,
  ...oracle.features.map(({ name, scores }: { name: string; scores: Histograms }) => ({ ...scores, name })),
];

describe.each(cases)('the histograms of $name', (one) => {
  const { p_counts: p, q_counts: q } = one;

  it('have the divergence figures of the oracle', () => {
    const ofP = smoothed(p);
    const ofQ = smoothed(q);
    const computed = {
      mauve: mauve(p, q),
      mauve_star: mauve(ofP, ofQ),
      frontier_integral: frontierIntegral(p, q),
      frontier_integral_star: frontierIntegral(ofP, ofQ),
      mauve_swapped: mauve(q, p),
      mauve_c1_n25: mauve(p, q, { scaling: 1, points: 25 }),
      mauve_c5_n51: mauve(p, q, { scaling: 5, points: 51 }),
    };
    const differences = Object.entries(computed).map(([name, value]) => Math.abs(value - Number(one[name])));
    expect(Math.max(...differences)).toBeLessThan(1e-9);
  });
});

function rowsOf(base64: string, rows: number, width: number): Rows {
  const bytes = Buffer.from(base64, 'base64');
  const data = Float64Array.from({ length: rows * width }, (_, i) => bytes.readFloatLE(4 * i));
  return { data, rows, width };
}

describe.each(oracle.features as Loose[])('the features of $name', (one) => {
  const [n, d] = [one.n as number, one.d as number];
  const p = rowsOf(one.p_features_base64_float32_le_rowmajor as string, n, d);
  const q = rowsOf(one.q_features_base64_float32_le_rowmajor as string, n, d);
  const unit = new Float64Array(2 * n * d);
  for (const [place, { data }] of [q, p].entries())
    for (let i = 0; i < n; i++) {
      const row = data.subarray(i * d, (i + 1) * d);
      unit.set(
        row.map((x) => x / Math.hypot(...row)),
        (place * n + i) * d,
      );
    }
  const both = { data: unit, rows: 2 * n, width: d };

  it('have the principal components of the oracle', () => {
    const { projected, explained } = principalComponents(both, 0.9);
    expect(projected.width).toBe(one['components_kept_at_0.9']);
    const expected = one.explained_variance_ratio as number[];
    for (const [i, share] of expected.entries()) expect(explained[i]).toBeCloseTo(share, 9);
    for (const [c, place] of (one.projection_first_row_of_q_abs as number[]).entries())
      expect(Math.abs(projected.data[c])).toBeCloseTo(place, 9);
  });

  it('have as good clusters as the oracle found, and its MAUVE within what k-means leaves open', () => {
    const { projected } = principalComponents(both, 0.9);
    const clusters = one.num_buckets as number;
    const { inertia, labels } = kMeans(projected, { clusters, seed: 1, restarts: 5 });
    expect(inertia).toBeLessThan(1.1 * (one.inertia_of_these_labels as number));
    expect(new Set(labels).size).toBe(clusters);
    const [least, , , most] = (one.kmeans_5_restarts_60_runs as { mauve_min_mean_sd_max: number[] })
      .mauve_min_mean_sd_max;
    const { figures } = mauveOfFeatures(p, q, { seed: 1, clusters });
    expect(mauveOfFeatures(p, q, { seed: 1 }).clusters).toBe(20);
    expect(figures.mauve.value).toBeGreaterThan(least - 0.02);
    expect(figures.mauve.value).toBeLessThan(most + 0.02);
  });
});

it('components are the same from rows as from columns', () => {
  const wide = Float64Array.from({ length: 5 * 9 }, (_, i) => Math.sin(i * i));
  const padded = new Float64Array(12 * 9);
  padded.set(wide);
  const few = principalComponents({ data: wide, rows: 5, width: 9 }, 0.999999);
  const distances = (rows: Rows, i: number, j: number) =>
    Array.from(
      { length: rows.width },
      (_, k) => rows.data[i * rows.width + k] - rows.data[j * rows.width + k],
    ).reduce((sum, x) => sum + x * x, 0);
  for (const [i, j] of [
    [0, 1],
    [2, 4],
    [3, 0],
  ])
    expect(distances(few.projected, i, j)).toBeCloseTo(distances({ data: wide, rows: 5, width: 9 }, i, j), 9);
});

describe.each(oracle.brier as Loose[])('the continuations of $name', (one) => {
  const triples = one.triples_a_b_y as [number[], number[], number[]][];

  it('have the BrierLM of the oracle', () => {
    const items = triples.map(([a, b, truth]) => brierItem({ a, b, truth }));
    expect(items).toEqual(one.perItem_n1_to_n4);
    const { brierLm, byOrder } = brierScores(items, { seed: 1 });
    expect(brierLm.value).toBeCloseTo(one.brierLM as number, 9);
    for (const [n, { value, stderr }] of byOrder.entries()) {
      expect(value).toBeCloseTo((one.brier_n as number[])[n], 9);
      expect(stderr).toBeCloseTo((one.standardError_n as number[])[n], 9);
    }
  });
});
