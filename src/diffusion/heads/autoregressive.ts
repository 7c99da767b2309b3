import type { Graph } from '../../graph/graph.js';
import { GatherElements, LogSoftmax, Neg, Squeeze, Unsqueeze } from '../../graph/operators.js';
import { HEAD, type HeadOptions, lossOutput } from './head.js';
import { lossAtPositions } from './rows.js';

/**
 * −ln p(target | tokens up to here) at every position: exact negative log-likelihood of an autoregressive model.
 * Position l of the targets is the token after position l of the input.
 */
export function autoregressiveLoss(graph: Graph, options: HeadOptions): void {
  const targets = graph.input(HEAD.targets, 'int64', ['batch', 'length']);
  const loss = lossAtPositions(graph, options, [targets], (logits, target) =>
    Neg(Squeeze(GatherElements(LogSoftmax(logits), Unsqueeze(target, [-1])), [-1])),
  );
  lossOutput(graph, loss, ['batch', 'length']);
}
