import type { Graph } from '../../graph/graph.js';
import {
  Add,
  Div,
  Exp,
  GatherElements,
  Log,
  LogSoftmax,
  Mul,
  Squeeze,
  Sub,
  Unsqueeze,
} from '../../graph/operators.js';
import { projectedRows } from '../../graph/projected-rows.js';
import { float64, HEAD, type HeadOptions, lossOutput, textLogits } from './head.js';

/**
 * Score entropy for the absorbing state (SEDD, arXiv 2310.16834, eq. 5 and section 3.3), at masked positions; elsewhere it
 * is 0. With q = α/(1−α) = 1/(e^σ−1) and log scores ℓ_v = f_v + ln q − ln(K−1), K counting the mask:
 *
 *     loss = (1/α)·[Σ_{v≠mask} e^{ℓ_v} − q·ℓ_x + q(ln q − 1)]
 *
 * Σ e^{f_v} comes as exp(f_x − log_softmax(f)_x), whose two terms are kept per row; the rest is float64.
 */
export function scoreEntropyLoss(graph: Graph, options: HeadOptions): void {
  const rows = graph.input(HEAD.rows, 'int64', ['rows', 2]);
  const targets = graph.input(HEAD.targets, 'int64', ['rows']);
  const oneMinusAlpha = graph.input(HEAD.oneMinusAlpha, 'float64', ['rows']);
  const f = textLogits(projectedRows(graph, options.logits, rows), options);

  const index = Unsqueeze(targets, [-1]);
  const at = (values: typeof f) => Squeeze(float64(GatherElements(values, index)), [-1]);
  const fAtTarget = at(f);
  const logSumExp = Sub(fAtTarget, at(LogSoftmax(f)));

  const alpha = Sub(1, oneMinusAlpha);
  const q = Div(alpha, oneMinusAlpha);
  const offset = Sub(Log(q), Math.log(options.vocabSize - 1));
  const positive = Exp(Add(logSumExp, offset));
  const negative = Mul(q, Add(fAtTarget, offset));
  const constant = Mul(q, Sub(Log(q), 1));
  lossOutput(graph, Div(Add(Sub(positive, negative), constant), alpha), ['rows']);
}
