/**
 * The serial dependence of residuals over running text, whose neighbours are pieces of one document and so similar in
 * difficulty.
 *
 * Autocovariances R(k) = (1/n)·Σ e_i·e_{i−k}. The cut-off m is the smallest lag after which K_n autocorrelations in a row lie
 * below c·√(log10 n / n), c = 2, K_n = max(5, √log10 n); if there is none, the last lag above that bound. With the flat-top
 * weights λ(x) = 1 up to ½, then falling linearly to 0 at 1 (Politis and Romano, J. Time Series Analysis 16, 1995), and M = 2m:
 *
 *   long-run variance   S = Σ_{|k| ≤ M} λ(k/M)·R(k)
 *   block length        b = (3·G²/(2·S²))^{1/3}·n^{1/3},   G = Σ_{|k| ≤ M} λ(k/M)·|k|·R(k)
 *
 * This is the automatic rule of Politis and White (Econometric Reviews 23, 2004; correction by Patton, Politis and White, 28,
 * 2009) for blocks of one length: the b at which the variance between blocks has the least mean squared error.
 */
export interface Dependence {
  /** b, in entries, at least 1; not rounded. */
  blockLength: number;
  /** S, the long-run variance per entry: var(Σ e)/n for long series. The estimate may be negative in short ones. */
  longRunVariance: number;
}

const CONFIDENCE = 2;
/** Lags that the first pass over the series computes; each further pass doubles them. */
const FIRST_LAGS = 32;

/** Block length and long-run variance by the rule above. Takes time n·lags. @param at residual i, i in [0, n), mean about 0 */
export function dependenceOf(n: number, at: (i: number) => number): Dependence {
  if (n < 3) return { blockLength: 1, longRunVariance: n === 0 ? 0 : squares(n, at) / n };
  const inARow = Math.max(5, Math.ceil(Math.sqrt(Math.log10(n))));
  const largest = Math.min(n - 1, Math.ceil(Math.sqrt(n)) + inARow);
  const covariances = new Autocovariances(n, at);
  const variance = covariances.upTo(0)[0];
  if (!(variance > 0)) return { blockLength: 1, longRunVariance: 0 };
  const bound = CONFIDENCE * Math.sqrt(Math.log10(n) / n) * variance;
  const lag = lastOfNote(covariances, { bound, inARow, largest });
  const M = Math.min(2 * Math.max(1, lag), largest);
  const R = covariances.upTo(M);
  let longRunVariance = R[0];
  let slope = 0;
  for (let k = 1; k <= M; k++) {
    const weight = Math.min(1, 2 * (1 - k / M));
    longRunVariance += 2 * weight * R[k];
    slope += 2 * weight * k * R[k];
  }
  const length = Math.cbrt(1.5 * (slope / longRunVariance) ** 2 * n);
  const longest = Math.ceil(Math.min(3 * Math.sqrt(n), n / 3));
  return { blockLength: Math.max(1, Math.min(longest, length)), longRunVariance };
}

/** m: the lag after which `inARow` autocovariances in a row are within the bound, else the last lag outside it. */
function lastOfNote(
  covariances: Autocovariances,
  { bound, inARow, largest }: { bound: number; inARow: number; largest: number },
): number {
  let quiet = 0;
  let last = 0;
  for (let k = 1; k <= largest; k++) {
    const isNoise = Math.abs(covariances.upTo(k)[k]) < bound;
    quiet = isNoise ? quiet + 1 : 0;
    if (!isNoise) last = k;
    if (quiet === inARow) return k - inARow;
  }
  return last;
}

/** Autocovariances, computed on demand, many lags per pass: most series need only a few. */
class Autocovariances {
  private known = new Float64Array(0);

  constructor(
    private readonly n: number,
    private readonly at: (i: number) => number,
  ) {}

  /** R(0) … R(lag), possibly more. */
  upTo(lag: number): Float64Array {
    if (lag < this.known.length) return this.known;
    const count = Math.min(this.n, Math.max(lag + 1, FIRST_LAGS, 2 * this.known.length));
    const sums = new Float64Array(count);
    const recent = new Float64Array(count); // entry i at i mod count
    for (let i = 0; i < this.n; i++) {
      const value = this.at(i);
      recent[i % count] = value;
      const lags = Math.min(i, count - 1);
      for (let k = 0, place = i % count; k <= lags; k++) {
        sums[k] += value * recent[place];
        place = place === 0 ? count - 1 : place - 1;
      }
    }
    this.known = sums.map((sum) => sum / this.n);
    return this.known;
  }
}

function squares(n: number, at: (i: number) => number): number {
  let total = 0;
  for (let i = 0; i < n; i++) total += at(i) ** 2;
  return total;
}
