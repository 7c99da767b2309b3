/**
 * Draws a token from weights by the inverse of their cumulative sum, in two levels: first a block of the vocabulary, by the sums
 * of the blocks, then a token inside that block.
 *
 * A single running sum of 50,000 float32 numbers would change 4% of the tokens; float64 throughout would take twice the time.
 * Here the sums in float32 have about 200 terms each, and the remaining additions, about 400 per row, are in float64. A draw
 * takes one uniform number of 53 bits. Without float64 it takes two of 24 bits, one per level, since 24 bits alone
 * distinguish only 16 million values.
 *
 * The result does not depend on the position of a row: blocks start at multiples of sixteen and have a multiple of sixteen
 * entries, so the runtime's vector sums always begin at a block's first number.
 */
import type { Value } from '../../graph/graph.js';
import {
  Add,
  Cast,
  Concat,
  CumSum,
  Div,
  Expand,
  Gather,
  GatherElements,
  Less,
  Max,
  Min,
  Mul,
  ReduceSum,
  Reshape,
  Shape,
  Squeeze,
  Sub,
  Unsqueeze,
  Where,
} from '../../graph/operators.js';

const VECTOR = 16;

/** Entries per block, chosen so that there are about as many blocks. */
export function blockSize(vocabSize: number): number {
  return VECTOR * Math.max(1, Math.ceil(Math.sqrt(vocabSize) / VECTOR));
}

/**
 * @param weights float32 [n, vocab], at least 0, with a sum in float32's range
 * @param uniforms of [0, 1), [n] each: one in float64, or two in float32, for the block and for the place inside it
 * @returns int64 [n]; never a token of weight 0
 */
export function inverseCdf(weights: Value, vocabSize: number, uniforms: readonly Value[]): Value {
  const [coarse, fine] = uniforms;
  const { dtype } = coarse;
  const size = blockSize(vocabSize);
  const blocks = Math.ceil(vocabSize / size);
  const blocked = Reshape(filledUp(weights, blocks * size - vocabSize), [-1, blocks, size]);
  const sums = Cast(ReduceSum(blocked, { axes: [-1], keepdims: false }), { to: dtype }); // [n, blocks]

  const block = place(sums, Unsqueeze(coarse, [-1]));
  const inBlock = weights.graph.constant(
    Array.from({ length: size }, (_, i) => i),
    'int64',
  );
  const start = Mul(block.index, size);
  const entries = Add(start, inBlock); // [n, size]
  const chosen = GatherElements(weights, Min(entries, vocabSize - 1));
  const real = Less(entries, vocabSize);
  const ofBlock = Where(real, Cast(chosen, { to: dtype }), 0);
  const token = place(ofBlock, fine ? Unsqueeze(fine, [-1]) : block.rest);
  // NaN weights pass every entry; the minimum keeps the token in range, and its probability shows the NaN.
  return Squeeze(Min(Add(start, token.index), vocabSize - 1), [-1]);
}

/** Zeros after the last entry of each row. */
function filledUp(weights: Value, missing: number): Value {
  if (missing === 0) return weights;
  const { graph, dtype } = weights;
  const rows = Gather(Shape(weights), graph.constant([0], 'int64'));
  const shape = Concat([rows, graph.constant([missing], 'int64')], { axis: 0 });
  return Concat([weights, Expand(graph.constant([0], dtype), shape)], { axis: -1 });
}

/** The largest number below 1: a share that rounds up to 1 would pass the last entry. */
const BELOW_ONE = { float64: 1 - 2 ** -53, float32: 1 - 2 ** -24 } as const;

/**
 * The entry where the running sum of `masses` passes the share `u` of the total.
 * @param masses [n, m]   @param u [n, 1]
 * @returns index, int64 [n, 1], and how far into that entry, as a share of it, [n, 1]
 */
function place(masses: Value, u: Value): { index: Value; rest: Value } {
  const { graph } = masses;
  const dtype = masses.dtype as keyof typeof BELOW_ONE;
  const before = CumSum(masses, 1, { exclusive: true }); // [n, m]
  const last = graph.constant([-1], 'int64');
  const total = Add(Gather(before, last, { axis: -1 }), Gather(masses, last, { axis: -1 })); // [n, 1]
  const target = Mul(Min(u, BELOW_ONE[dtype]), total);
  const passed = Where(Less(target, before), graph.constant(0, dtype), 1);
  const count = ReduceSum(passed, { axes: [-1] });
  const index = Max(Sub(Cast(count, { to: 'int64' }), 1), 0);
  const into = Sub(target, GatherElements(before, index));
  return { index, rest: Div(into, GatherElements(masses, index)) };
}
