/**
 * k-means: Lloyd's algorithm (IEEE Trans. Inf. Theory 28, 1982) from starts by greedy k-means++ (Arthur and Vassilvitskii, SODA
 * 2007).
 * A start is a function of (seed, restart). The result depends on the start, so figures made from it need several seeds.
 */
import { DomainError } from '../errors.js';
import { streams } from '../random/streams.js';
import { uniform } from '../random/uniforms.js';

/** Points as rows. */
export interface Rows {
  /** [rows × width] */
  readonly data: Float64Array;
  readonly rows: number;
  readonly width: number;
}

export interface Clusters {
  /** [rows]: the cluster of each point, from 0. */
  labels: Uint32Array;
  /** Σ of squared distances to the centres. */
  inertia: number;
}

export interface KMeansOptions {
  clusters: number;
  seed: number;
  /** The best of this many starts is returned. */
  restarts: number;
}

/** A start ends when no label changes, at the latest after this many rounds. */
const MOST_ROUNDS = 500;

/** @throws DomainError when there are fewer points than clusters, or a coordinate is not finite */
export function kMeans(points: Rows, { clusters, seed, restarts }: KMeansOptions): Clusters {
  if (!(clusters >= 1 && clusters <= points.rows) || points.data.some((x) => !Number.isFinite(x))) {
    throw new DomainError({
      code: 'no-clusters',
      message: `${clusters} clusters need as many points of finite coordinates, got ${points.rows}.`,
    });
  }
  let best: Clusters | null = null;
  for (let restart = 0; restart < restarts; restart++) {
    const found = lloyd(points, startingCentres(points, clusters, { seed, restart }));
    if (best === null || found.inertia < best.inertia) best = found;
  }
  return best!; // there is at least one restart
}

/**
 * Each next centre is a point drawn with probability proportional to its squared distance to the centres so far: of
 * 2 + ln(clusters) such points the one that brings all points nearest.
 */
function startingCentres(
  points: Rows,
  clusters: number,
  { seed, restart }: { seed: number; restart: number },
): Float64Array {
  const { data, rows, width } = points;
  const centres = new Float64Array(clusters * width);
  const candidates = 2 + Math.floor(Math.log(clusters));
  let distances = new Float64Array(rows).fill(Number.POSITIVE_INFINITY);
  for (let c = 0; c < clusters; c++) {
    let [chosen, least, nearer] = [0, Number.POSITIVE_INFINITY, distances];
    for (let candidate = 0; candidate < candidates; candidate++) {
      const u = uniform({ seed, stream: streams.clusterStart, sequence: restart, step: c }, candidate);
      const point = c === 0 ? Math.floor(u * rows) : drawnBy(distances, u);
      const withIt = distances.map((distance, i) =>
        Math.min(distance, squaredDistance(data, i, data, point, width)),
      );
      const total = withIt.reduce((sum, distance) => sum + distance, 0);
      if (total < least) [chosen, least, nearer] = [point, total, withIt];
    }
    centres.set(data.subarray(chosen * width, (chosen + 1) * width), c * width);
    distances = nearer;
  }
  return centres;
}

/** Where all weights are 0, all points are centres already: any will do. */
function drawnBy(weights: Float64Array, u: number): number {
  const wanted = u * weights.reduce((total, weight) => total + weight, 0);
  let passed = 0;
  for (const [i, weight] of weights.entries()) {
    passed += weight;
    if (wanted < passed) return i;
  }
  return Math.floor(u * weights.length);
}

function lloyd({ data, rows, width }: Rows, centres: Float64Array): Clusters {
  const clusters = centres.length / width;
  const labels = new Uint32Array(rows);
  for (let round = 0; ; round++) {
    let [changed, inertia] = [round === 0, 0];
    for (let i = 0; i < rows; i++) {
      let [nearest, least] = [0, Number.POSITIVE_INFINITY];
      for (let c = 0; c < clusters; c++) {
        const distance = squaredDistance(data, i, centres, c, width);
        if (distance < least) [nearest, least] = [c, distance];
      }
      changed ||= labels[i] !== nearest;
      labels[i] = nearest;
      inertia += least;
    }
    if (!changed || round === MOST_ROUNDS) return { labels, inertia };
    moveCentres(data, labels, centres, width);
  }
}

/** To the means of their points; a centre without points stays. */
function moveCentres(data: Float64Array, labels: Uint32Array, centres: Float64Array, width: number): void {
  const sizes = new Float64Array(centres.length / width);
  const sums = new Float64Array(centres.length);
  for (const [i, c] of labels.entries()) {
    sizes[c]++;
    for (let k = 0; k < width; k++) sums[c * width + k] += data[i * width + k];
  }
  for (const [c, size] of sizes.entries())
    if (size > 0) for (let k = 0; k < width; k++) centres[c * width + k] = sums[c * width + k] / size;
}

function squaredDistance(a: Float64Array, i: number, b: Float64Array, j: number, width: number): number {
  let total = 0;
  for (let k = 0; k < width; k++) total += (a[i * width + k] - b[j * width + k]) ** 2;
  return total;
}
