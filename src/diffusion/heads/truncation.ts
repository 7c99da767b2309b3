/** Top-k and top-p: what is left of a distribution's tail before a draw. Tokens that tie with the last one kept are kept. */
import type { Value } from '../../graph/graph.js';
import {
  Cast,
  CumSum,
  Gather,
  GatherElements,
  Less,
  Max,
  ReduceSum,
  Softmax,
  Sub,
  TopK,
  Where,
} from '../../graph/operators.js';

/** Logits [n, vocab] with all but the k largest at −∞. */
export function topK(logits: Value, vocabSize: number, k: number): Value {
  if (k >= vocabSize) return logits;
  const [largest] = TopK(logits, k);
  return keepFrom(logits, Gather(largest, logits.graph.constant([-1], 'int64'), { axis: -1 }));
}

/**
 * Logits [n, vocab] with −∞ where the more probable tokens alone have more than the share p: the nucleus, the smallest set of
 * the most probable tokens that has at least p (Holtzman et al. 2020, section 3.1).
 * @param dtype of the sum over the sorted vocabulary
 */
export function topP(logits: Value, vocabSize: number, p: number, dtype: 'float64' | 'float32'): Value {
  if (p >= 1) return logits;
  const [sorted] = TopK(logits, vocabSize);
  const before = CumSum(Cast(Softmax(sorted), { to: dtype }), 1, { exclusive: true });
  const kept = Where(Less(before, p), logits.graph.constant(1, dtype), 0);
  const count = Cast(ReduceSum(kept, { axes: [-1] }), { to: 'int64' });
  return keepFrom(logits, GatherElements(sorted, Max(Sub(count, 1), 0)));
}

function keepFrom(logits: Value, least: Value): Value {
  const { graph, dtype } = logits;
  return Where(Less(logits, least), graph.constant(Number.NEGATIVE_INFINITY, dtype), logits);
}
