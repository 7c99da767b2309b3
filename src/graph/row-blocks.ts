/**
 * A computation on rows, a block of rows at a time, so that what it makes of a row never exists for all of them at once.
 * For the logits of a language model, 200 KB a row at 50,257 entries, that is the difference between memory and cache.
 */
import type { Value } from './graph.js';
import {
  Add,
  Div,
  Gather,
  Min,
  Mul,
  Range,
  Reshape,
  Scan,
  Shape,
  Slice,
  Sub,
  Unsqueeze,
} from './operators.js';

/**
 * @param perRow values [n, …], n ≥ 1 the same for all
 * @param size rows a block; the last block is filled up by repeating the last row
 * @param build makes numbers a row, each [size], of `size` rows of each; it may read other values of the graph, too
 * @returns [n], one for each that `build` makes
 */
export function inRowBlocks(
  name: string,
  perRow: readonly Value[],
  size: number,
  build: (...rows: Value[]) => Value[],
): Value[] {
  const { graph } = perRow[0];
  const count = Gather(Shape(perRow[0]), 0);
  const blocks = Div(Add(count, size - 1), size);
  const inBlock = graph.constant(
    Array.from({ length: size }, (_, i) => i),
    'int64',
  );
  const first = Unsqueeze(Mul(Range(0, blocks, 1), size), [-1]);
  const rows = Min(Add(first, inBlock), Sub(count, 1)); // [blocks, size]
  const blocked = perRow.map((value) => Gather(value, rows));
  const ends = Unsqueeze(count, [0]);
  return Scan(name, blocked, build).map((stacked) =>
    Slice(Reshape(stacked, [-1]), { starts: [0], ends, axes: [0] }),
  );
}
