import type { Graph, Value } from '../../graph/graph.js';
import {
  Add,
  Cast,
  Div,
  Exp,
  Gather,
  GatherElements,
  LogSoftmax,
  Max,
  Mul,
  Neg,
  Squeeze,
  Sub,
  Unsqueeze,
} from '../../graph/operators.js';
import type { Family } from '../../models/family.js';
import { exactLog, float64, HEAD, type HeadOptions, lossOutput } from './head.js';
import { appendMixedNoiseLoss } from './mixed-noise.js';
import { lossAtPositions, lossAtRows } from './rows.js';
import { appendUniformStateLoss } from './uniform-state.js';

/** Appends the family's loss to a checkpoint's graph, for evaluation and training. Each head below names its inputs and output. */
export function appendLossHead(graph: Graph, family: Family, options: HeadOptions): void {
  graph.scope('duo_eval', () => {
    switch (family) {
      case 'ar':
        return appendAutoregressiveLoss(graph, options);
      case 'mdlm':
      case 'bd3lm':
        return appendMaskedLoss(graph, options);
      case 'sedd':
        return appendScoreEntropyLoss(graph, options);
      case 'd3pm':
        return appendDiscreteTimeLoss(graph, options);
      case 'duo':
        return appendUniformStateLoss(graph, options);
      case 'gidd':
        return appendMixedNoiseLoss(graph, options);
    }
  });
}

/**
 * −ln p(target | tokens up to here) at every position: the exact negative log-likelihood of an autoregressive model.
 * Position l of the targets is the token after position l of the input.
 */
function appendAutoregressiveLoss(graph: Graph, options: HeadOptions): void {
  const targets = graph.input(HEAD.targets, 'int64', ['batch', 'length']);
  const loss = lossAtPositions(graph, options, [targets], (logits, target) =>
    Neg(Squeeze(GatherElements(LogSoftmax(logits), Unsqueeze(target, [-1])), [-1])),
  );
  lossOutput(graph, loss, ['batch', 'length']);
}

/**
 * The masked-diffusion loss with the SUBS parameterization (MDLM, arXiv 2406.07524, eq. 10): −ln x_θ(x) / (1−α) where
 * z is the mask. Elsewhere it is 0, so the head and the network's last projection are computed at masked positions only.
 */
function appendMaskedLoss(graph: Graph, options: HeadOptions): void {
  const rows = graph.input(HEAD.rows, 'int64', ['rows', 2]);
  const targets = graph.input(HEAD.targets, 'int64', ['rows']);
  const oneMinusAlpha = graph.input(HEAD.oneMinusAlpha, 'float64', ['rows']);
  const loss = lossAtRows(graph, options, rows, [targets, oneMinusAlpha], (logits, target, level) => {
    const atTarget = Squeeze(GatherElements(LogSoftmax(logits), Unsqueeze(target, [-1])), [-1]);
    return Div(Neg(float64(atTarget)), level);
  });
  lossOutput(graph, loss, ['rows']);
}

/**
 * Score entropy for the absorbing state (SEDD, arXiv 2310.16834, eq. 5 and section 3.3), at masked positions; elsewhere it
 * is 0. The network's score of a token is s_v·α/(1−α) with s_v = e^{f_v}/(K−1), K counting the mask. Divided by −α', the
 * published loss loses its noise level but for one factor:
 *
 *     loss = [Σ_{v≠mask} s_v − 1 − ln s_x] / (1−α)
 *
 * Σ e^{f_v} is computed as exp(f_x − log_softmax(f)_x): two numbers per row, in float64 from there on.
 */
function appendScoreEntropyLoss(graph: Graph, options: HeadOptions): void {
  const rows = graph.input(HEAD.rows, 'int64', ['rows', 2]);
  const targets = graph.input(HEAD.targets, 'int64', ['rows']);
  const oneMinusAlpha = graph.input(HEAD.oneMinusAlpha, 'float64', ['rows']);
  const loss = lossAtRows(graph, options, rows, [targets, oneMinusAlpha], (f, target, level) => {
    const index = Unsqueeze(target, [-1]);
    const at = (values: typeof f) => Squeeze(float64(GatherElements(values, index)), [-1]);
    const fAtTarget = at(f);
    const logSumExp = Sub(fAtTarget, at(LogSoftmax(f)));
    const logOthers = Math.log(options.vocabSize - 1);
    // In float32, because its exponential, unlike float64's, has the same bits at any position.
    const positive = float64(Exp(Cast(Sub(logSumExp, logOthers), { to: 'float32' })));
    return Div(Sub(Sub(positive, 1), Sub(fAtTarget, logOthers)), level);
  });
  lossOutput(graph, loss, ['rows']);
}

/** Keeps a quotient finite where nothing is noisy; its product with that 0 is 0. */
const LEAST_LEVEL = 1e-300;

/**
 * A step of discrete time with absorbing states (D3PM, arXiv 2107.03006, section 3.3; the parameterization and the form are those
 * of MDLM's appendix, arXiv 2406.07524): KL(q(z_s|z_t, x) ‖ p_θ(z_s|z_t)) where z_t is the mask, divided by α_s − α_t; elsewhere it
 * is 0. The network gives the mask itself a probability μ, which stays in its softmax. With m = 1−α,
 *
 *     A(m) = ln(1 + (1−m)·μ/m)
 *     loss = [A(m_t) − ln x_θ(x)]/m_t + m_s/(m_t·(m_t−m_s)) · [A(m_t) − A(m_s)]
 *
 * As the step shrinks with μ = 0, that is the loss of mdlm. With m_t = 1 and m_s = 0 it is −ln x_θ(x): at the tokens of a clean
 * text, the reconstruction term of the bound.
 */
function appendDiscreteTimeLoss(graph: Graph, options: HeadOptions): void {
  const rows = graph.input(HEAD.rows, 'int64', ['rows', 2]);
  const targets = graph.input(HEAD.targets, 'int64', ['rows']);
  const levels = graph.input(HEAD.oneMinusAlpha, 'float64', ['rows']);
  const nextLevels = graph.input(HEAD.nextOneMinusAlpha, 'float64', ['rows']);
  // a masked family has a mask token
  const mask = options.maskTokenId!;
  const known: [Value, Value, Value] = [targets, levels, nextLevels];
  const withMask = { ...options, maskTokenId: null, keptTokenId: mask };
  const loss = lossAtRows(graph, withMask, rows, known, (logits, target, level, next) => {
    const all = LogSoftmax(logits);
    const ofTarget = float64(Squeeze(GatherElements(all, Unsqueeze(target, [-1])), [-1]));
    const ofMask = float64(Exp(Gather(all, mask, { axis: -1 })));
    const excess = (m: Value) => exactLog(Add(Div(Mul(Sub(1, m), ofMask), Max(m, LEAST_LEVEL)), 1));
    const atLevel = excess(level);
    const revealed = Div(Sub(atLevel, ofTarget), level);
    const kept = Div(next, Mul(level, Sub(level, next)));
    return Add(revealed, Mul(kept, Sub(atLevel, excess(next))));
  });
  lossOutput(graph, loss, ['rows']);
}
