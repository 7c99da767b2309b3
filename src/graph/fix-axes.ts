/**
 * Fixes the size of axes that the inputs leave open: shapes that were computed at run time become constants, which the
 * runtime folds and differentiation reads.
 */
import type { Graph } from './graph.js';

/** @param sizes of axes by their names in the inputs; others stay open */
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
