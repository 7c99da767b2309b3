/**
 * How many positions a graph has tables for, read from its weights. A longer sequence would fail anyway; it is refused before
 * it takes memory. Only tables that certainly hold positions count, so nothing is refused that would work.
 */
import { ModelError } from '../errors.js';
import type { Graph } from '../graph/graph.js';
import type { Checkpoint } from './checkpoint.js';
import { hasBlocks } from './family.js';

/** Operators allowed between the numbers 0, 1, 2 … and the lookup; any other might make the numbers smaller. */
const KEEPS_POSITIONS = new Set(['Range', 'Unsqueeze', 'Squeeze', 'Cast', 'Expand', 'Reshape', 'Identity']);

/** Null if no table is found. For rotary positions: the rows of cos; for learned embeddings: the rows looked up by 0, 1, 2 … */
export function tabledPositions(graph: Graph): number | null {
  const { node, initializer } = graph.proto;
  const rows = new Map(initializer.map(({ name, dims }) => [name, dims.length === 2 ? Number(dims[0]) : 0]));
  const producers = new Map(node.flatMap((each) => each.output.map((name) => [name, each] as const)));
  const counts = (name: string): boolean => {
    const seen = new Set<string>();
    for (let at = name; !seen.has(at); ) {
      seen.add(at);
      const producer = producers.get(at);
      if (!producer || !KEEPS_POSITIONS.has(producer.opType)) return false;
      if (producer.opType === 'Range') return true;
      at = producer.input[0];
    }
    return false;
  };
  const found = node.flatMap(({ opType, domain, input }) => {
    // ai.onnx: X, cos, sin, positions; com.microsoft: X, positions, cos, sin.
    if (opType === 'RotaryEmbedding') return rows.get(input[domain === 'com.microsoft' ? 2 : 1]) ?? [];
    if (opType === 'Gather' && counts(input[1])) return rows.get(input[0]) ?? [];
    return [];
  });
  const least = Math.min(...found.filter((count) => count > 0));
  return Number.isFinite(least) ? least : null;
}

/** @param length tokens per sequence; ar reads all but the last   @throws ModelError `length-past-model` */
export function checkPositions(checkpoint: Checkpoint, length: number): void {
  const rows = tabledPositions(checkpoint.graph());
  // Block diffusion reads a text twice in a call, noisy and clean, and its tables have a row for each token of a call.
  const positions = rows !== null && hasBlocks(checkpoint) ? Math.floor(rows / 2) : rows;
  const unread = checkpoint.family === 'ar' ? 1 : 0;
  if (positions === null || length - unread <= positions) return;
  throw new ModelError({
    code: 'length-past-model',
    message: `${checkpoint.name}: sequences of ${length} tokens are longer than the model's positions, of which there are ${positions}.`,
    hint: `Use --length ${positions + unread} or less; for a judge, --context.`,
  });
}
