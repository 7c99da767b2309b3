import type { Graph } from '../../graph/graph.js';
import { Div, GatherElements, LogSoftmax, Neg, Squeeze, Unsqueeze } from '../../graph/operators.js';
import { float64, HEAD, type HeadOptions, lossOutput } from './head.js';
import { lossAtRows } from './rows.js';

/**
 * The masked-diffusion loss with the SUBS parameterization (MDLM, arXiv 2406.07524, eq. 10): −ln x_θ(x) / (1−α) where
 * z is the mask. Elsewhere it is 0, so the head looks at the masked positions only, and the network's last projection is
 * computed only there.
 */
export function maskedLoss(graph: Graph, options: HeadOptions): void {
  const rows = graph.input(HEAD.rows, 'int64', ['rows', 2]);
  const targets = graph.input(HEAD.targets, 'int64', ['rows']);
  const oneMinusAlpha = graph.input(HEAD.oneMinusAlpha, 'float64', ['rows']);
  const loss = lossAtRows(graph, options, rows, [targets, oneMinusAlpha], (logits, target, level) => {
    const atTarget = Squeeze(GatherElements(LogSoftmax(logits), Unsqueeze(target, [-1])), [-1]);
    return Div(Neg(float64(atTarget)), level);
  });
  lossOutput(graph, loss, ['rows']);
}
