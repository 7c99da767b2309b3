/**
 * Gives axes that inputs leave open a size, throughout a graph: shapes that were computed while it ran become constants,
 * which the runtime folds and differentiation reads.
 */
import type { Graph } from './graph.js';

/** @param sizes of axes by the names that the inputs have for them; others stay open */
export function fixAxes(graph: Graph, sizes: Readonly<Record<string, number>>): void {
  for (const { type } of [...graph.proto.input, ...graph.proto.output]) {
    const dims = type?.value.case === 'tensorType' ? (type.value.value.shape?.dim ?? []) : [];
    for (const dim of dims) {
      if (dim.value.case !== 'dimParam') continue;
      const size = sizes[dim.value.value];
      if (size !== undefined) dim.value = { case: 'dimValue', value: BigInt(size) };
    }
  }
}
