/** Which loss a family is evaluated (and trained) with. */
import { ModelError } from '../../errors.js';
import type { Graph } from '../../graph/graph.js';
import type { Family } from '../../models/card.js';
import { autoregressiveLoss } from './autoregressive.js';
import type { HeadOptions } from './head.js';
import { maskedLoss } from './masked.js';
import { scoreEntropyLoss } from './score-entropy.js';
import { uniformStateLoss } from './uniform-state.js';

export { HEAD } from './head.js';

/** Appends the family's loss to a checkpoint's graph; see each head for what it asks and returns. */
export function appendLossHead(graph: Graph, family: Family, options: HeadOptions): void {
  graph.scope('duo_eval', () => {
    switch (family) {
      case 'ar':
        return autoregressiveLoss(graph, options);
      case 'mdlm':
        return maskedLoss(graph, options);
      case 'sedd':
        return scoreEntropyLoss(graph, options);
      case 'duo':
        return uniformStateLoss(graph, options);
      default:
        throw new ModelError({
          code: 'family-not-supported',
          message: `There is no loss for the family "${family}" yet.`,
          hint: 'Families with a loss: ar, mdlm, sedd, duo.',
        });
    }
  });
}
