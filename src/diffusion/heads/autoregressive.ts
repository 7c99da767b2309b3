import type { Graph } from '../../graph/graph.js';
import { GatherElements, LogSoftmax, Neg, Squeeze, Unsqueeze } from '../../graph/operators.js';
import { HEAD, type HeadOptions, lossOutput, textLogits } from './head.js';

/**
 * −ln p(target | tokens up to here) at every position: exact negative log-likelihood of an autoregressive model.
 * Position l of the targets is the token after position l of the input.
 */
export function autoregressiveLoss(graph: Graph, options: HeadOptions): void {
  const targets = graph.input(HEAD.targets, 'int64', ['batch', 'length']);
  const logProbabilities = LogSoftmax(textLogits(graph.value(options.logits), options));
  const atTarget = Squeeze(GatherElements(logProbabilities, Unsqueeze(targets, [-1])), [-1]);
  lossOutput(graph, Neg(atTarget), ['batch', 'length']);
}
