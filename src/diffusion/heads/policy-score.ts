/** The scores of an unmasking policy (../unmasking.ts), computed in the graph: one number per position leaves it, not the logits. */
import type { Value } from '../../graph/graph.js';
import { Exp, Max, Mul, ReduceMax, ReduceSum, Split, Squeeze, Sub, TopK } from '../../graph/operators.js';
import type { ScoredOrder } from '../unmasking.js';

/** Smaller than any logarithm of a probability that counts: its exponential is 0, and so is its product with that. */
const LOG_OF_NOTHING = -1e30;

/**
 * @param logProbabilities ln p of each token, [rows, vocab]; −∞ for the mask, at least two are finite
 * @returns the score of each row, [rows]; higher is revealed sooner
 */
export function policyScore(logProbabilities: Value, order: ScoredOrder): Value {
  switch (order) {
    case 'max-probability':
      return Exp(ReduceMax(logProbabilities, { axes: [-1], keepdims: false }));
    case 'margin':
      return twoLargest(logProbabilities, (first, second) => Sub(Exp(first), Exp(second)));
    case 'log-margin':
      return twoLargest(logProbabilities, Sub);
    case 'entropy': {
      const finite = Max(logProbabilities, LOG_OF_NOTHING);
      return ReduceSum(Mul(Exp(finite), finite), { axes: [-1], keepdims: false });
    }
  }
}

function twoLargest(values: Value, combined: (first: Value, second: Value) => Value): Value {
  const [largest] = TopK(values, 2);
  const [first, second] = Split(largest, [1, 1], { axis: -1 });
  return Squeeze(combined(first, second), [-1]);
}
