/**
 * Whether a call can fit into memory at all, before anything is packed or loaded. The runtime would find it out by itself,
 * after hours of swapping or killed by the system. What is counted is what a call cannot do without, so that nothing is
 * refused that would have worked.
 */
import { statSync } from 'node:fs';
import { ModelError } from '../errors.js';
import { projection } from '../graph/rows.js';
import type { Checkpoint } from './checkpoint.js';
import { usableMemory } from './machine.js';

export interface CallSize {
  /** Sequences of a call; the least there can be: what the graph insists on, or 1. */
  batch?: number;
  /** Tokens a sequence. */
  length: number;
}

/** @throws ModelError `call-past-memory`   @param memory bytes that this process may use */
export function checkMemory(checkpoint: Checkpoint, size: CallSize, memory = usableMemory()): void {
  const { name, signature, dataFiles } = checkpoint;
  const { batch = signature.fixedBatch ?? 1, length } = size;
  const weights = dataFiles.reduce((sum, file) => sum + statSync(file).size, 0);
  const needs = weights + leastCallBytes(checkpoint, batch, length);
  if (needs <= memory) return;
  throw new ModelError({
    code: 'call-past-memory',
    message: `${name}: a call of ${batch} × ${length} tokens needs at least ${gigabytes(needs)}; this process may use ${gigabytes(memory)}.`,
    hint:
      signature.fixedBatch !== null && signature.fixedBatch > 1
        ? 'Export the model with a dynamic or smaller batch, or use a smaller --length.'
        : 'Use a smaller --length.',
  });
}

/** Tokens in and out, the widest of the states that the weights make of every token, and what a softmax over positions takes. */
function leastCallBytes(checkpoint: Checkpoint, batch: number, length: number): number {
  const graph = checkpoint.graph();
  const { dtype } = checkpoint.signature.logits;
  const last = projection(graph, 'logits', dtype);
  const sizes = new Map(graph.proto.initializer.map(({ name, dims }) => [name, dims.map(Number)]));
  const widths = graph.proto.node
    .filter(({ opType, input }) => opType === 'MatMul' && input[1] !== last?.matrix.name)
    .map(({ input }) => sizes.get(input[1]) ?? [])
    .map((dims) => (dims.length === 2 ? dims[1] : 0));
  // Where the logits are a product, they need not be there all at once; else they are, and their softmax beside them.
  const widest = Math.max(last ? last.width : 2 * checkpoint.vocabSize, ...widths);
  const attends = graph.proto.node.some(
    ({ opType, output }) => opType === 'Softmax' && output[0] !== 'logits',
  );
  return batch * length * (16 + 4 * widest) + (attends ? 4 * batch * length ** 2 : 0);
}

const gigabytes = (bytes: number): string =>
  `${(bytes / 1e9).toLocaleString('en-US', { maximumSignificantDigits: 3 })} GB`;
