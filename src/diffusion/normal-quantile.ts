/** Quantiles of the standard normal distribution, and what else is needed of its tails. */
import { logNormalDistribution, normalDensity, normalUpperTail } from './normal.js';

const HALF_LOG_2PI = Math.log(2 * Math.PI) / 2;

/** z with Q(z) = q: a rational start (Abramowitz and Stegun, 26.2.23) and two steps of Halley's method.
 *  @param q in (0, 1), to full relative precision also where it is small */
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
