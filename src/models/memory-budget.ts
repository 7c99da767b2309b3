/**
 * Whether a call can fit into memory at all, before anything is packed or loaded. Otherwise the run would swap for hours or
 * be killed by the system. The count is a lower bound on what a call needs, so nothing is refused that would have worked.
 */
import { ModelError } from '../errors.js';
import { blockProductSizes, isBlockProduct } from '../graph/integer-product.js';
import { projection } from '../graph/rows.js';
import type { Checkpoint } from './checkpoint.js';
import { usableMemory } from './machine.js';
import { weightMemory } from './stored-weights.js';

export interface CallSize {
  /** The smallest possible number of sequences per call: the graph's fixed batch, or 1. */
  batch?: number;
  /** Tokens per sequence. */
  length: number;
}

/** @throws ModelError `weights-past-memory`, `call-past-memory`   @param memory bytes that this process may use */
export function checkMemory(checkpoint: Checkpoint, size: CallSize, memory = usableMemory()): void {
  const { name, signature } = checkpoint;
  const { batch = signature.fixedBatch ?? 1, length } = size;
  const weights = weightMemory(checkpoint.graph(), memory).bytes;
  const needs = weights + leastCallBytes(checkpoint, batch, length);
  if (needs <= memory) return;
  if (weights > memory) {
    throw new ModelError({
      code: 'weights-past-memory',
      message: `${name}: its weights need at least ${gigabytes(weights)} once they are loaded; this process may use ${gigabytes(memory)}.`,
      hint: 'Store them in fewer bits: duo-eval convert --dtype int8 or int4.',
    });
  }
  throw new ModelError({
    code: 'call-past-memory',
    message: `${name}: a call of ${batch} × ${length} tokens needs at least ${gigabytes(needs)}; this process may use ${gigabytes(memory)}.`,
    hint:
      signature.fixedBatch !== null && signature.fixedBatch > 1
        ? 'Export the model with a dynamic or smaller batch, or use a smaller --length.'
        : 'Use a smaller --length.',
  });
}

/** Tokens in and out, the widest hidden state per token that the weights imply, and what a softmax over positions takes. */
function leastCallBytes(checkpoint: Checkpoint, batch: number, length: number): number {
  const graph = checkpoint.graph();
  const { dtype } = checkpoint.signature.logits;
  const last = projection(graph, 'logits', dtype);
  const sizes = new Map(graph.proto.initializer.map(({ name, dims }) => [name, dims.map(Number)]));
  const widths = graph.proto.node
    .filter(({ input }) => input[1] !== last?.matrix.name)
    .map((node) => {
      if (isBlockProduct(node)) return blockProductSizes(node)[1];
      const dims = node.opType === 'MatMul' ? (sizes.get(node.input[1]) ?? []) : [];
      return dims.length === 2 ? dims[1] : 0;
    });
  // If the logits are a product, they need not all exist at once; otherwise they do, together with their softmax.
  const widest = Math.max(last ? last.width : 2 * checkpoint.vocabSize, ...widths);
  const attends = graph.proto.node.some(
    ({ opType, output }) => opType === 'Softmax' && output[0] !== 'logits',
  );
  return batch * length * (16 + 4 * widest) + (attends ? 4 * batch * length ** 2 : 0);
}

const gigabytes = (bytes: number): string =>
  `${(bytes / 1e9).toLocaleString('en-US', { maximumSignificantDigits: 3 })} GB`;
