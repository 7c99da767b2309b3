/**
 * The four losses of one token in double precision, as the papers write them: what the graph heads are tested against.
 * Slow and plain on purpose.
 *
 * Every diffusion loss here is per unit of −dα: f = loss / (−α'). Times −α'_t it is the integrand over t.
 * They take 1−α, from which α is formed, because near α = 1 the losses live on it.
 */
import type { AlphaLevel, NoiseMixture } from '../../src/diffusion/schedule.js';

/** Logits of one position, [vocab]. */
export type Row = ArrayLike<number>;

/** log_softmax of a row, [vocab]; `excluded` gets −∞ first (a mask token no model may predict). */
export function logSoftmax(logits: Row, excluded?: number | null): Float64Array {
  const out = Float64Array.from(logits);
  if (excluded !== undefined && excluded !== null) out[excluded] = Number.NEGATIVE_INFINITY;
  let largest = Number.NEGATIVE_INFINITY;
  for (const f of out) if (f > largest) largest = f;
  let sum = 0;
  for (const f of out) sum += Math.exp(f - largest);
  const logSum = largest + Math.log(sum);
  for (let v = 0; v < out.length; v++) out[v] -= logSum;
  return out;
}

/** AR: −ln p(x), exact, in nats. @param maskTokenId excluded before the softmax when the card names one */
export function arLoss(logits: Row, x: number, maskTokenId?: number | null): number {
  return -logSoftmax(logits, maskTokenId)[x];
}

/** MDLM with the SUBS parameterization (arXiv 2406.07524): −ln x_θ(x) / (1−α) where z is the mask, else 0. */
export function mdlmLoss(
  logits: Row,
  x: number,
  z: number,
  { oneMinusAlpha }: AlphaLevel,
  maskTokenId: number,
): number {
  return z === maskTokenId ? -logSoftmax(logits, maskTokenId)[x] / oneMinusAlpha : 0;
}

/** Discrete time (D3PM in MDLM's parameterization): KL(q(z_s|z_t, x) ‖ q(z_s|z_t, x_θ)) where z_t is the mask, by its two outcomes, per
 *  unit of α. At x_θ, the step from the mask leads to v with (α_s−α_t)x_v/D and to the mask with (α_sμ + 1−α_s)/D, D = α_tμ + 1−α_t,
 *  and the true step to x with (α_s−α_t)/(1−α_t).
 *  @param next 1−α_s */
export function d3pmLoss(
  logits: Row,
  x: number,
  z: number,
  { alpha, oneMinusAlpha }: AlphaLevel,
  next: number,
  maskTokenId: number,
): number {
  if (z !== maskTokenId) return 0;
  const log = logSoftmax(logits);
  const mu = Math.exp(log[maskTokenId]);
  const D = Math.log(alpha * mu + oneMinusAlpha);
  const rise = oneMinusAlpha - next;
  const shown = rise / oneMinusAlpha;
  const hidden = next / oneMinusAlpha;
  const ofShown = Math.log(shown) - (Math.log(rise) + log[x] - D);
  const ofHidden = hidden === 0 ? 0 : Math.log(hidden) - (Math.log((1 - next) * mu + next) - D);
  return (shown * ofShown + hidden * ofHidden) / rise;
}

/** SEDD, absorbing (score entropy, arXiv 2310.16834). With q = 1/(e^σ−1) = α/(1−α) and log scores
 *  ℓ_v = f_v + ln q − ln(K−1), the published (1/α)·[Σ_{v≠mask} e^{ℓ_v} − q·ℓ_x + q(ln q − 1)] has q in every term:
 *  with s_v = e^{f_v}/(K−1), the score in units of q, it is [Σ_{v≠mask} s_v − 1 − ln s_x] / (1−α), free of σ. */
export function seddLoss(
  logits: Row,
  x: number,
  z: number,
  { oneMinusAlpha }: AlphaLevel,
  maskTokenId: number,
): number {
  if (z !== maskTokenId) return 0;
  const logOthers = Math.log(logits.length - 1);
  let sum = 0;
  for (let v = 0; v < logits.length; v++) if (v !== maskTokenId) sum += Math.exp(logits[v] - logOthers);
  return (sum - 1 - (logits[x] - logOthers)) / oneMinusAlpha;
}

/** Duo, uniform states (arXiv 2506.10892; the bound of UDLM, arXiv 2412.10193, in another form) for a model's distribution x_θ, [vocab].
 *
 *  With x̄ = Kα·x_θ + 1−α, c = (1−α)/(Kα+1−α) and ρ̂_v = x̄_v/x̄_z, the loss is a sum of terms ≥ 0,
 *
 *    1/(Kα) · Σ_{v≠z} [ρ̂_v − ρ_v − ρ_v ln(ρ̂_v/ρ_v)] = 1/(Kα) · Σ_{v≠z} ρ_v·h(y_v),  h(y) = y − ln(1+y),
 *
 *  ρ_v = c where z = x; else ρ_x = 1/c and ρ_v = 1; and y_v = ρ̂_v/ρ_v − 1, proportional to Kα, formed without
 *  subtracting near-equal numbers, so that it holds for α → 0 and for α → 1. */
export function uniformStateLoss(
  xTheta: Row,
  x: number,
  z: number,
  { alpha, oneMinusAlpha }: AlphaLevel,
): number {
  const K = xTheta.length;
  const Ka = K * alpha;
  const whole = Ka + oneMinusAlpha;
  const xBarAtZ = Ka * xTheta[z] + oneMinusAlpha;
  let sum = 0;
  for (let v = 0; v < K; v++) {
    if (v === z) continue;
    const xBar = Ka * xTheta[v] + oneMinusAlpha;
    const difference = xTheta[v] - xTheta[z];
    if (z === x) {
      const y = (Ka * (xBar + oneMinusAlpha * difference)) / (xBarAtZ * oneMinusAlpha);
      sum += (oneMinusAlpha / whole) * excess(y, (xBar / xBarAtZ) * (whole / oneMinusAlpha));
    } else if (v === x) {
      const y = (Ka * (oneMinusAlpha * difference - xBarAtZ)) / (xBarAtZ * whole);
      sum += (whole / oneMinusAlpha) * excess(y, (xBar / xBarAtZ) * (oneMinusAlpha / whole));
    } else {
      sum += excess((Ka * difference) / xBarAtZ, xBar / xBarAtZ);
    }
  }
  return sum / Ka;
}

/** Duo from logits: uniformStateLoss of their softmax. */
export function duoLoss(logits: Row, x: number, z: number, level: AlphaLevel): number {
  return uniformStateLoss(logSoftmax(logits).map(Math.exp), x, z, level);
}

/** GIDD (arXiv 2503.04482) as the sum over jumps into z: r_z·Σ_{v≠z} [ρ̂_v − ρ_v − ρ_v ln(ρ̂_v/ρ_v)], ρ_v = q_v/q_z, all states v
 *  with the mask among them. Each term by {@link excess}, so that it holds for α → 0 and for α → 1. */
export function giddLoss(
  logits: Row,
  x: number,
  z: number,
  { alpha, oneMinusAlpha, mixed: { uniform, rate } }: AlphaLevel & { mixed: NoiseMixture },
  mask: number,
): number {
  const p = logSoftmax(logits, mask).map(Math.exp);
  const noise = (v: number) => (v === mask ? oneMinusAlpha - uniform : uniform / (p.length - 1));
  const q = (v: number) => noise(v) + (v === x ? alpha : 0);
  const model = (v: number) => noise(v) + alpha * p[v];
  let sum = 0;
  for (let v = 0; v < p.length; v++) {
    if (v === z) continue;
    // y = ρ̂/ρ − 1; what the two distributions share in z and in v cancels.
    const [atV, atZ] = [alpha * (p[v] - Number(v === x)), alpha * (p[z] - Number(z === x))];
    const onePlusY = (model(v) / model(z)) * (q(z) / q(v));
    const y = (atV * q(z) - atZ * q(v)) / (model(z) * q(v));
    sum += (q(v) / q(z)) * excess(y, onePlusY);
  }
  return sum * (z === mask ? rate : rate / 2) * noise(z);
}

/** h(y) = y − ln(1+y) ≥ 0, given 1+y too, since near y = −1 the sum has lost its digits; near 0 by its series, where
 *  the difference would cancel. */
function excess(y: number, onePlusY: number): number {
  if (Math.abs(y) > 0.02) return y - Math.log(onePlusY);
  let sum = 0;
  for (let n = 10; n >= 2; n--) sum = (n % 2 === 0 ? 1 : -1) / n + y * sum;
  return y * y * sum;
}
