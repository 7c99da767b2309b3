/** The loss of generalised interpolating diffusion with masks and uniform noise together, for evaluation and training. */
import type { Graph, Value } from '../../graph/graph.js';
import { Add, Div, Equal, Mul, Sub, Unsqueeze, Where } from '../../graph/operators.js';
import type { Feeds } from '../../models/feeds.js';
import type { NoiseMixture } from '../schedule.js';
import { exactLog, HEAD, type HeadOptions, lossOutput } from './head.js';
import { lossAtPositions } from './rows.js';
import { noisedProbabilities } from './uniform-state.js';

/**
 * The bound of GIDD (arXiv 2503.04482, theorem 3.1 with the weights of its equation 15), per −dα. The noise is the mask with
 * probability m, and any of the other N = K − 1 tokens with u/N each; tokens become noise z at a rate r_z, whatever they are.
 * With q = q(·|x) and q̂ that of the model's distribution in place of x,
 *
 *     loss = r_z/q_z · [KL(q ‖ q̂) + q_z/q̂_z − ln(q_z/q̂_z) − 1],     the jumps into z, as in the uniform-state loss
 *
 * The model gives the mask no probability, so q̂ and q agree there. With k = αN/u and y_v = 1 + k·x_θ(v), q̂_v = (u/N)·y_v for a
 * token v, and as in uniform-state.ts Λ = Σ_v ln y_v is the only sum over the vocabulary:
 *
 *     KL = (u/N)·[(1+k)·ln(1+k) − k·ln y_x − Λ]
 *     q_z/q̂_z = 1 for the mask,  (1+k)/y_z where z = x,  1/y_z for any other token
 *     r_z/q_z = R for the mask,  R/2 · 1/(1+k) where z = x,  R/2 for any other token      (R: `noiseRate`)
 *
 * Λ and the two probabilities are float32, all else is float64; toy vocabularies are float64 throughout.
 */
export function appendMixedNoiseLoss(graph: Graph, options: HeadOptions): void {
  const z = graph.value('input_ids', 'int64');
  const x = graph.input(HEAD.targets, 'int64', ['batch', 'length']);
  const [oneMinusAlpha, uniform, rate] = [HEAD.oneMinusAlpha, HEAD.uniformNoise, HEAD.noiseRate].map((name) =>
    Unsqueeze(graph.input(name, 'float64', ['batch']), [-1]),
  ); // [batch, 1] each
  const known: [Value, Value, Value, Value, Value] = [z, x, oneMinusAlpha, uniform, rate];
  const loss = lossAtPositions(graph, options, known, (logits, ...row) =>
    lossOfRows(options, logits, ...row),
  );
  lossOutput(graph, loss, ['batch', 'length']);
}

/** @param logits [rows…, vocab], −∞ at the mask   @param z, x [rows…]   @param oneMinusAlpha, uniform, rate [rows…], or 1 for the last */
function lossOfRows(
  { vocabSize: K, maskTokenId }: HeadOptions,
  logits: Value,
  z: Value,
  x: Value,
  oneMinusAlpha: Value,
  uniform: Value,
  rate: Value,
): Value {
  const k = Div(Mul(Sub(1, oneMinusAlpha), K - 1), uniform);
  // At the mask y is 1, which adds nothing to the sum.
  const { lambda, yAt } = noisedProbabilities(logits, z, x, k, K);
  const y_z = yAt('z');
  const onePlusK = Add(k, 1);
  const ln_onePlusK = exactLog(onePlusK);
  const divergence = Mul(
    Div(uniform, K - 1),
    Sub(Sub(Mul(onePlusK, ln_onePlusK), Mul(k, exactLog(yAt('x')))), lambda),
  );
  const isSame = Equal(z, x);
  const w_z = Where(isSame, onePlusK, 1);
  const ratio = Div(w_z, y_z);
  const excess = Sub(Sub(ratio, 1), Sub(Where(isSame, ln_onePlusK, 0), exactLog(y_z)));
  const isMask = Equal(z, maskTokenId ?? -1);
  return Mul(Div(Where(isMask, rate, Mul(rate, 0.5)), w_z), Add(divergence, excess));
}

/** What the head reads of noise. */
export function mixtureFeeds(mixed: readonly NoiseMixture[]): Feeds {
  const column = (key: keyof NoiseMixture) => ({
    type: 'float64' as const,
    data: Float64Array.from(mixed, (one) => one[key]),
    dims: [mixed.length],
  });
  return { [HEAD.uniformNoise]: column('uniform'), [HEAD.noiseRate]: column('rate') };
}
