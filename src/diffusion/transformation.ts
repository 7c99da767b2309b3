/**
 * The diffusion transformation: the probability, above chance, that a token survives as the argmax of its noised one-hot vector
 * (arXiv 2506.10892, eq. 10). With γ the Gaussian log noise-to-signal ratio ln(σ̃²/α̃²), μ = e^{−γ/2} and K tokens,
 *
 *   P(argmax = x) = I = ∫ φ(z−μ)·Φ(z)^{K−1} dz = α + (1−α)/K,     α(γ) = (K·I − 1)/(K−1).
 *
 * Since K·∫φ·Φ^{K−1} = 1, three forms without cancellation:
 *
 *   α      =  K/(K−1) · ∫ [φ(z−μ) − φ(z)]·Φ(z)^{K−1} dz        the bracket is φ(z)·expm1(μz − μ²/2) for small μ
 *   1 − α  =  K/(K−1) · ∫ φ(z−μ)·(1 − Φ(z)^{K−1}) dz
 *   dα/dγ  = −(μ/2)·K · ∫ φ(z−μ)·φ(z)·Φ(z)^{K−2} dz            by parts
 *
 * Each by the trapezoid rule, which converges faster than any power of the step on integrands that are analytic and
 * vanish at both ends; Φ^{K−1} as exp((K−1)·ln Φ), ln Φ = log1p(−Q).
 */
import { DomainError } from '../errors.js';
import { logNormalDistribution, normalDensity } from '../statistics/normal.js';

/** Trapezoid step. The narrowest feature, Φ^{K−1} at K = 250,000, is 0.2 wide. */
const STEP = 0.04;
/** The integral extends this many standard deviations beyond the outermost centres; the rest is below 1e-32. */
const REACH = 12;

/** α(γ): the probability, above chance, that the argmax of a noised one-hot keeps its token.
 *  @param gamma Gaussian log noise-to-signal ratio, ln(σ̃²/α̃²)   @param vocabSize K ≥ 2
 *  @returns α in [0, 1]   @throws DomainError when gamma is not finite or K is not an integer ≥ 2 */
export function diffusionTransformation(gamma: number, vocabSize: number): number {
  check(gamma, vocabSize);
  const mu = Math.exp(-gamma / 2);
  const kept = (z: number) => Math.exp((vocabSize - 1) * logNormalDistribution(z));
  const rise =
    mu < 1
      ? (z: number) => normalDensity(z) * Math.expm1(mu * z - (mu * mu) / 2)
      : (z: number) => normalDensity(z - mu) - normalDensity(z);
  const integral = trapezoid((z) => rise(z) * kept(z), -REACH, mu + REACH);
  return Math.min(1, (vocabSize / (vocabSize - 1)) * integral);
}

/** 1 − α(γ), to full relative precision also where α is nearly 1.
 *  @throws DomainError as diffusionTransformation */
export function oneMinusDiffusionTransformation(gamma: number, vocabSize: number): number {
  check(gamma, vocabSize);
  const mu = Math.exp(-gamma / 2);
  // For large μ the mass lies where φ(z−μ) meets the upper tail Q(z), at μ/2.
  const integral = trapezoid(
    (z) => -normalDensity(z - mu) * Math.expm1((vocabSize - 1) * logNormalDistribution(z)),
    mu / 2 - REACH,
    mu + REACH,
  );
  return Math.min(1, (vocabSize / (vocabSize - 1)) * integral);
}

/** dα/dγ ≤ 0, to full relative precision.
 *  @throws DomainError as diffusionTransformation */
export function diffusionTransformationDerivative(gamma: number, vocabSize: number): number {
  check(gamma, vocabSize);
  const mu = Math.exp(-gamma / 2);
  const integral = trapezoid(
    (z) => normalDensity(z - mu) * normalDensity(z) * Math.exp((vocabSize - 2) * logNormalDistribution(z)),
    mu / 2 - REACH,
    mu / 2 + REACH,
  );
  return (-mu / 2) * vocabSize * integral;
}

/** γ(α), the inverse: Newton's method on ln(α/(1−α)), which is nearly linear in γ, inside a bracket.
 *  @param alpha in (0, 1)
 *  @param oneMinusAlpha 1 − α where α is so near 1 that the difference has lost digits
 *  @throws DomainError when alpha is outside (0, 1) or no γ of double precision has it */
export function inverseDiffusionTransformation(
  alpha: number,
  vocabSize: number,
  oneMinusAlpha = 1 - alpha,
): number {
  if (!(alpha > 0 && oneMinusAlpha > 0 && alpha <= 1 && oneMinusAlpha <= 1)) {
    throw new DomainError({
      code: 'transformation-alpha',
      message: `The diffusion transformation takes its α from between 0 and 1, not ${alpha}.`,
    });
  }
  const target = Math.log(alpha) - Math.log(oneMinusAlpha);
  const excess = (gamma: number) => logit(gamma, vocabSize).value - target;
  let low = -8; // α(low) must exceed α: μ = 54.6, 1 − α below 1e-300
  let high = 14; // α = 5e-4 for K = 2, less for any other K
  while (excess(low) < 0) low = widen(low, -1, alpha);
  while (excess(high) > 0) high = widen(high, 8, alpha);
  let gamma = (low + high) / 2;
  for (let i = 0; i < 100; i++) {
    const { value, slope } = logit(gamma, vocabSize);
    const miss = value - target;
    if (miss === 0) return gamma;
    if (miss > 0) low = gamma;
    else high = gamma;
    const newton = gamma - miss / slope;
    const next = newton > low && newton < high ? newton : (low + high) / 2;
    if (Math.abs(next - gamma) <= 4e-16 * Math.max(1, Math.abs(gamma)) || next === low || next === high)
      return next;
    gamma = next;
  }
  return gamma;
}

/** ln(α/(1−α)) at γ and its derivative. */
function logit(gamma: number, vocabSize: number): { value: number; slope: number } {
  const alpha = diffusionTransformation(gamma, vocabSize);
  const oneMinusAlpha = oneMinusDiffusionTransformation(gamma, vocabSize);
  const derivative = diffusionTransformationDerivative(gamma, vocabSize);
  return {
    value: Math.log(alpha) - Math.log(oneMinusAlpha),
    slope: derivative / (alpha * oneMinusAlpha),
  };
}

function widen(end: number, by: number, alpha: number): number {
  const next = end + by;
  if (next < -9 || next > 700) {
    throw new DomainError({
      code: 'transformation-alpha',
      message: `No log noise-to-signal ratio of double precision has the α ${alpha}.`,
    });
  }
  return next;
}

/** The trapezoid rule over [from, to], where the integrand is negligible at both ends. */
function trapezoid(integrand: (z: number) => number, from: number, to: number): number {
  const steps = Math.ceil((to - from) / STEP);
  const width = (to - from) / steps;
  let sum = (integrand(from) + integrand(to)) / 2;
  for (let i = 1; i < steps; i++) sum += integrand(from + i * width);
  return sum * width;
}

function check(gamma: number, vocabSize: number): void {
  if (!Number.isFinite(gamma)) {
    throw new DomainError({
      code: 'transformation-gamma',
      message: `The log noise-to-signal ratio γ must be finite, not ${gamma}.`,
    });
  }
  if (!Number.isInteger(vocabSize) || vocabSize < 2) {
    throw new DomainError({
      code: 'transformation-vocabulary',
      message: `The diffusion transformation needs a vocabulary of at least 2 tokens, not ${vocabSize}.`,
    });
  }
}
