/**
 * What a graph declares of its logits is a promise: the runtime does not hold a graph to the shapes it declares, and a card
 * may be wrong too. A softmax over twice the vocabulary costs twice the nats and no error. So every graph that logits are
 * taken from gets one more output, their shape, and the session's worker compares it with what is due after each run.
 */
import { ModelError } from '../errors.js';
import type { Graph } from '../graph/graph.js';
import { logitsShape, logitsWidth } from '../graph/rows.js';
import type { Checkpoint } from './checkpoint.js';
import type { Feeds } from './feeds.js';

/** What the logits of a session's graph must be. */
export interface PromisedLogits {
  vocabSize: number;
}

/** int64 [3]: the shape that the logits have. */
const SHAPE = 'duo_eval_logits_shape';
/** Names of the nodes that this program appends begin so. */
const HEAD_SCOPE = 'duo_eval';

/**
 * Adds the output that `checkPromise` looks at, after whatever head the graph has, and before it is pruned.
 * @throws ModelError `logits-shape` when the weights show that the promise cannot be kept
 */
export function promiseLogits(graph: Graph, { signature, vocabSize, name }: Checkpoint): PromisedLogits {
  const { dtype } = signature.logits;
  const width = logitsWidth(graph, 'logits', dtype);
  if (width !== null && width !== vocabSize)
    throw brokenPromise(name, { came: ['batch', 'length', width], due: ['batch', 'length', vocabSize] });
  graph.scope(HEAD_SCOPE, () => graph.output(logitsShape(graph, 'logits', dtype), SHAPE, [3]));
  return { vocabSize };
}

/** Shapes as they came and as they were due. */
export interface BrokenPromise {
  came: readonly (number | string)[];
  due: readonly (number | string)[];
}

/** Takes the shape out of a run's outputs. @returns null when it is as promised */
export function checkPromise(
  { vocabSize }: PromisedLogits,
  fed: Feeds,
  outputs: Feeds,
): BrokenPromise | null {
  const came = Array.from(outputs[SHAPE].data as BigInt64Array, Number);
  delete outputs[SHAPE];
  const due = [...fed.input_ids.dims, vocabSize];
  return came.length === 3 && due.every((size, axis) => size === came[axis]) ? null : { came, due };
}

/** @param label what ran, e.g. `sequence 12` */
export function brokenPromise(label: string, { came, due }: BrokenPromise): ModelError {
  const width = came.length === 3 && came[2] !== due[2];
  return logitsShapeError(
    `${label}: the logits have the shape [${came.join(', ')}], but [${due.join(', ')}] was promised.`,
    width
      ? `If ${came[2]} entries are the vocabulary, put "vocabSize": ${came[2]} into the card and export the model with the shape it has.`
      : undefined,
  );
}

/** What a head does depends on nothing but the logits, so where one fails they are not of the shape that it was made for. */
export const isOfHead = (node: string): boolean => node.startsWith(`${HEAD_SCOPE}/`);

export function unusableLogits(label: string, reason: string): ModelError {
  return logitsShapeError(`${label}: the logits are not of the shape that was promised: ${reason}`);
}

function logitsShapeError(message: string, hint?: string): ModelError {
  return new ModelError({
    code: 'logits-shape',
    message,
    hint:
      hint ??
      'Export the model again: its logits must be [batch, length, vocabulary], as wide as the graph and the card say.',
  });
}
