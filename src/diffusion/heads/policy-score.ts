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
  /** int64: the most probable token, the one after it, and so on, by rank from 0, where they are asked for. */
  topToken: (rank: number) => `duo_eval_top_token_${rank}`,
  /** float64: ln p of that token. */
  topLogProbability: (rank: number) => `duo_eval_top_log_probability_${rank}`,
} as const;

/** What a head of the exact likelihood says beside ln p of the true tokens. */
export interface FurtherAnswers {
  /** ln p of the most probable token. */
  best?: boolean;
  /** How many of the most probable tokens, with ln p of each. */
  top?: number;
}

/**
 * Appends the head: ln p of the true tokens at some masked positions, the mask's logit being −∞, and the scores of these positions.
 * For sedd the logits are scores, and normalising them over the tokens gives the same.
 */
export function appendPolicyHead(
  graph: Graph,
  order: UnmaskingOrder,
  options: HeadOptions,
  { best = false, top = 0 }: FurtherAnswers = {},
): void {
  graph.scope('duo_eval', () => {
    const rows = graph.input(HEAD.rows, 'int64', ['rows', 2]);
    const targets = graph.input(HEAD.targets, 'int64', ['rows']);
    const names = [
      POLICY_HEAD.logProbability,
      ...(isScored(order) ? [POLICY_HEAD.score] : []),
      ...(best ? [POLICY_HEAD.best] : []),
      ...Array.from({ length: top }, (_, rank) => POLICY_HEAD.topToken(rank)),
      ...Array.from({ length: top }, (_, rank) => POLICY_HEAD.topLogProbability(rank)),
    ];
    const outputs = atRows(graph, options, rows, [targets], (logits, target) => {
      const all = LogSoftmax(logits);
      const ofTarget = float64(Squeeze(GatherElements(all, Unsqueeze(target, [-1])), [-1]));
      return [
        ofTarget,
        ...(isScored(order) ? [policyScore(all, order)] : []),
        ...(best ? [float64(ReduceMax(all, { axes: [-1], keepdims: false }))] : []),
        ...(top > 0 ? mostProbable(all, top) : []),
      ];
    });
    graph.clearOutputs();
    for (const [i, output] of outputs.entries()) graph.output(output, names[i], ['rows']);
  });
}

/** The tokens by rank, then ln p of each, [rows] each: rows that are computed in blocks have one number per value. */
function mostProbable(logProbabilities: Value, top: number): Value[] {
  const each = Array<number>(top).fill(1);
  const ranks = (values: Value) =>
    (top === 1 ? [values] : Split(values, each, { axis: -1 })).map((value) => Squeeze(value, [-1]));
  const [values, tokens] = TopK(logProbabilities, top);
  return [...ranks(tokens), ...ranks(values).map(float64)];
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
