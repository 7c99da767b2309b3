import type { Graph } from '../../graph/graph.js';
import {
  Cast,
  Div,
  Exp,
  GatherElements,
  LogSoftmax,
  Squeeze,
  Sub,
  Unsqueeze,
} from '../../graph/operators.js';
import { float64, HEAD, type HeadOptions, lossOutput } from './head.js';
import { lossAtRows } from './rows.js';

/**
 * Score entropy for the absorbing state (SEDD, arXiv 2310.16834, eq. 5 and section 3.3), at masked positions; elsewhere it
 * is 0. The network's score of a token is s_v·α/(1−α) with s_v = e^{f_v}/(K−1), K counting the mask. Divided by −α', the
 * published loss loses its noise level but for one factor:
 *
 *     loss = [Σ_{v≠mask} s_v − 1 − ln s_x] / (1−α)
 *
 * Σ e^{f_v} comes as exp(f_x − log_softmax(f)_x): two numbers a row, and from there on float64.
 */
export function scoreEntropyLoss(graph: Graph, options: HeadOptions): void {
  const rows = graph.input(HEAD.rows, 'int64', ['rows', 2]);
  const targets = graph.input(HEAD.targets, 'int64', ['rows']);
  const oneMinusAlpha = graph.input(HEAD.oneMinusAlpha, 'float64', ['rows']);
  const loss = lossAtRows(graph, options, rows, [targets, oneMinusAlpha], (f, target, level) => {
    const index = Unsqueeze(target, [-1]);
    const at = (values: typeof f) => Squeeze(float64(GatherElements(values, index)), [-1]);
    const fAtTarget = at(f);
    const logSumExp = Sub(fAtTarget, at(LogSoftmax(f)));
    const logOthers = Math.log(options.vocabSize - 1);
    // float32: its exponential, unlike float64's, has the same bits wherever a value stands.
    const positive = float64(Exp(Cast(Sub(logSumExp, logOthers), { to: 'float32' })));
    return Div(Sub(Sub(positive, 1), Sub(fAtTarget, logOthers)), level);
  });
  lossOutput(graph, loss, ['rows']);
}
