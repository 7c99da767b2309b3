/**
 * Unmasking policies (../unmasking.ts) in the graph: the scores by which positions are ranked, and the head of the exact likelihood
 * under a policy. One or two numbers per position leave the graph, not the logits.
 */
import type { Graph, Value } from '../../graph/graph.js';
import {
  Cast,
  Exp,
  GatherElements,
  LogSoftmax,
  Max,
  Mul,
  ReduceMax,
  ReduceSum,
  Split,
  Squeeze,
  Sub,
  TopK,
  Unsqueeze,
} from '../../graph/operators.js';
import { isScored, type ScoredOrder, type UnmaskingOrder } from '../unmasking.js';
import { float64, HEAD, type HeadOptions } from './head.js';
import { atRows } from './rows.js';

/** Outputs of the head of the exact likelihood, [rows] each. */
export const POLICY_HEAD = {
  /** float64: ln p of the true token. */
  logProbability: 'duo_eval_log_probability',
  /** float32: the policy's score; absent for orders that need none. */
  score: 'duo_eval_policy_score',
  /** float64: ln p of the most probable token, where it is asked for; equal to the first where the true token is that. */
  best: 'duo_eval_best_log_probability',
} as const;

/**
 * Appends the head: ln p of the true tokens at some masked positions, the mask's logit being −∞, and the scores of these positions.
 * For sedd the logits are scores, and normalising them over the tokens gives the same.
 * @param asks whether ln p of the most probable token is an output too
 */
export function appendPolicyHead(
  graph: Graph,
  order: UnmaskingOrder,
  options: HeadOptions,
  asks: { best?: boolean } = {},
): void {
  graph.scope('duo_eval', () => {
    const rows = graph.input(HEAD.rows, 'int64', ['rows', 2]);
    const targets = graph.input(HEAD.targets, 'int64', ['rows']);
    const names = [
      POLICY_HEAD.logProbability,
      ...(isScored(order) ? [POLICY_HEAD.score] : []),
      ...(asks.best ? [POLICY_HEAD.best] : []),
    ];
    const outputs = atRows(graph, options, rows, [targets], (logits, target) => {
      const all = LogSoftmax(logits);
      const ofTarget = float64(Squeeze(GatherElements(all, Unsqueeze(target, [-1])), [-1]));
      return [
        ofTarget,
        ...(isScored(order) ? [policyScore(all, order)] : []),
        ...(asks.best ? [float64(ReduceMax(all, { axes: [-1], keepdims: false }))] : []),
      ];
    });
    graph.clearOutputs();
    for (const [i, output] of outputs.entries()) graph.output(output, names[i], ['rows']);
  });
}

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
      // Vector sums depend in the last bit on where a row lies in memory; one in float64, rounded to float32, does not.
      const sum = ReduceSum(float64(Mul(Exp(finite), finite)), { axes: [-1], keepdims: false });
      return Cast(sum, { to: 'float32' });
    }
  }
}

function twoLargest(values: Value, combined: (first: Value, second: Value) => Value): Value {
  const [largest] = TopK(values, 2);
  const [first, second] = Split(largest, [1, 1], { axis: -1 });
  return Squeeze(combined(first, second), [-1]);
}
