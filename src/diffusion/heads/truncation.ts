/** Top-k and top-p cut off a distribution's tail before a draw. Tokens that tie with the last one kept are kept too. */
import type { Value } from '../../graph/graph.js';
import {
  Add,
  Cast,
  CumSum,
  Gather,
  GatherElements,
  Identity,
  If,
  Less,
  Max,
  ReduceMin,
  ReduceSum,
  Softmax,
  Sub,
  TopK,
  Where,
} from '../../graph/operators.js';

/** Logits [n, vocab] after top-k, then top-p, each if asked for. @param dtype as in topP */
export function truncateLogits(
  logits: Value,
  vocabSize: number,
  settings: { topK?: number | null; topP?: number | null },
  dtype: 'float64' | 'float32',
): Value {
  const left = settings.topK ? topK(logits, vocabSize, settings.topK) : logits;
  return settings.topP ? topP(left, vocabSize, settings.topP, dtype) : left;
}

/** Logits [n, vocab] with all but the k largest at −∞. */
export function topK(logits: Value, vocabSize: number, k: number): Value {
  if (k >= vocabSize) return logits;
  const [largest] = TopK(logits, k);
  return keepFrom(logits, logits, Gather(largest, logits.graph.constant([-1], 'int64'), { axis: -1 }));
}

/** How many entries are sorted first: a nucleus seldom has more, and sorting a whole wide vocabulary takes much longer. */
const FIRST = 4096;

/**
 * Logits [n, vocab] with −∞ outside the nucleus, the smallest set of most probable tokens with a total of at least p (Holtzman
 * et al. 2020, section 3.1).
 * @param dtype of the sum over the sorted vocabulary
 */
export function topP(logits: Value, vocabSize: number, p: number, dtype: 'float64' | 'float32'): Value {
  if (p >= 1) return logits;
  const { graph } = logits;
  const x = Softmax(logits);
  /** The smallest probability in the nucleus, [n, 1], and the total of the k largest. */
  const ofLargest = (values: Value, k: number) => {
    const [sorted] = TopK(values, k);
    const wide = Cast(sorted, { to: dtype });
    const before = CumSum(wide, 1, { exclusive: true });
    const kept = Where(Less(before, p), values.graph.constant(1, dtype), 0);
    const count = Cast(ReduceSum(kept, { axes: [-1] }), { to: 'int64' });
    const end = values.graph.constant([-1], 'int64');
    const share = Add(Gather(before, end, { axis: -1 }), Gather(wide, end, { axis: -1 }));
    return { least: GatherElements(sorted, Max(Sub(count, 1), 0)), share };
  };
  const ofAll = (values: Value) => ofLargest(values, vocabSize).least;
  if (vocabSize <= 2 * FIRST) return keepFrom(logits, x, ofAll(x));
  const first = ofLargest(x, FIRST);
  const short = Less(ReduceMin(first.share, { axes: [0, 1], keepdims: false }), graph.constant(p, dtype));
  const least = If(
    short,
    (capture) => ofAll(capture(x)),
    (capture) => Identity(capture(first.least)),
  );
  return keepFrom(logits, x, least);
}

/** @param values in the same order as the logits */
function keepFrom(logits: Value, values: Value, least: Value): Value {
  const { graph, dtype } = logits;
  return Where(Less(values, least), graph.constant(Number.NEGATIVE_INFINITY, dtype), logits);
}
