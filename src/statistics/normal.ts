/**
 * The normal distribution to nearly full relative precision, including its tails: the diffusion transformation raises it to
 * powers up to 250,000 and subtracts the result from 1.
 *
 * erfc by the expansion of M. M. Shepherd and J. G. Laframboise (Mathematics of Computation 36, 1981): for x ≥ 0,
 * (1 + 2x)·e^{x²}·erfc(x) is a Chebyshev series in (x − 3.75)/(x + 3.75). The coefficients were computed for this
 * project with 50 digits (interpolation at 64 Chebyshev points) and rounded.
 */

const chebyshev = [
  2.3551578691348034, -0.004590054580646477, -0.08424913336651792, 0.05920993999819189, -0.026658668435305753,
  0.009074997670705265, -0.002413163540417608, 0.0004907758365258086, -0.00006916973302501207,
  0.00000413902798607301, 7.74038306619849e-7, -2.1886401049234397e-7, 1.0764999465670912e-8,
  4.521959811218287e-9, -7.754400208831351e-10, -6.318088340886684e-11, 2.86879501093067e-11,
  1.945586854577735e-13, -9.65469674843344e-13, 3.25254814814874e-14, 3.3478119482868056e-14,
  -1.864562880419313e-15, -1.2507950530688648e-15, 7.418235256624043e-17, 5.068148904796111e-17,
  -2.2370566594359995e-18, -2.187342944303018e-18,
];
const INVERSE_SQRT_2PI = 1 / Math.sqrt(2 * Math.PI);

/** 1 − erf(x), with a relative error of a few units in the last place even at 1e-300. */
export function erfc(x: number): number {
  if (x < 0) return 2 - erfc(-x);
  if (x > 27.3) return 0; // below the smallest double
  const t = (x - 3.75) / (x + 3.75);
  let b0 = 0;
  let b1 = 0;
  let b2 = 0;
  for (let n = chebyshev.length - 1; n >= 0; n--) {
    b2 = b1;
    b1 = b0;
    b0 = chebyshev[n] + 2 * t * b1 - b2;
  }
  return (expMinusSquare(x) * (b0 - b2)) / 2 / (1 + 2 * x);
}

/** e^{−x²} with the square split into an exact and a small part: rounding x² would cause a relative error of x²·2⁻⁵³. */
function expMinusSquare(x: number): number {
  const head = Math.trunc(x * 16) / 16;
  return Math.exp(-head * head) * Math.exp(-(x - head) * (x + head));
}

/** φ(z), the density. */
export function normalDensity(z: number): number {
  return expMinusSquare(Math.abs(z) * Math.SQRT1_2) * INVERSE_SQRT_2PI;
}

/** Q(z) = 1 − Φ(z), without cancellation. */
export function normalUpperTail(z: number): number {
  return erfc(z * Math.SQRT1_2) / 2;
}

/** Φ(z), the distribution function. */
export function normalDistribution(z: number): number {
  return erfc(-z * Math.SQRT1_2) / 2;
}

/** ln Φ(z): log1p(−Q) above 0, where Φ is near 1. */
export function logNormalDistribution(z: number): number {
  return z > 0 ? Math.log1p(-normalUpperTail(z)) : Math.log(normalDistribution(z));
}

const HALF_LOG_2PI = Math.log(2 * Math.PI) / 2;

/** z with Q(z) = q: a rational start (Abramowitz and Stegun, 26.2.23) and two steps of Halley's method.
 *  @param q in (0, 1), to full relative precision even where it is small */
export function normalUpperQuantile(q: number): number {
  if (q > 0.5) return -normalUpperQuantile(1 - q);
  const t = Math.sqrt(-2 * Math.log(q));
  let z =
    t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
  for (let i = 0; i < 2; i++) {
    const miss = (normalUpperTail(z) - q) / normalDensity(z);
    z += miss / (1 - (z * miss) / 2);
  }
  return z;
}

/**
 * ln E[e^{sZ} | Z < c] of a standard normal Z: s²/2 + ln Φ(c−s) − ln Φ(c). Far in the tail the first two cancel, and the
 * asymptotic series of Φ gives their sum.
 */
export function logMeanExpBelow(s: number, c: number): number {
  const t = s - c;
  if (t < 25) return (s * s) / 2 + logNormalDistribution(c - s) - logNormalDistribution(c);
  const series = Math.log1p((-1 + 3 / (t * t)) / (t * t));
  return c * s - (c * c) / 2 - Math.log(t) - HALF_LOG_2PI + series - logNormalDistribution(c);
}
