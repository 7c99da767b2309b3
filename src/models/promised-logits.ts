/**
 * The declared shape of a graph's logits is only a promise: the runtime does not enforce declared shapes, and a card may be
 * wrong too. A softmax over a vocabulary twice too wide gives wrong losses without any error. So every graph gets the shape
 * of its logits as an extra output, and the session's worker compares it with the expected shape after each run.
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
/** Prefix of the names of appended nodes. */
const HEAD_SCOPE = 'duo_eval';

/**
 * Adds the output that `checkPromise` reads; call it after the head is appended and before the graph is pruned.
 * @throws ModelError `logits-shape` when the weights already contradict the promise
 */
export function promiseLogits(graph: Graph, { signature, vocabSize, name }: Checkpoint): PromisedLogits {
  const { dtype } = signature.logits;
  const width = logitsWidth(graph, 'logits', dtype);
  if (width !== null && width !== vocabSize)
    throw brokenPromise(name, { came: ['batch', 'length', width], due: ['batch', 'length', vocabSize] });
  graph.scope(HEAD_SCOPE, () => graph.output(logitsShape(graph, 'logits', dtype), SHAPE, [3]));
  return { vocabSize };
}

/** The actual and the expected shape. */
export interface BrokenPromise {
  came: readonly (number | string)[];
  due: readonly (number | string)[];
}

/** Removes the shape from a run's outputs. @returns null when it is as promised */
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
  const last = came.length === 3 && came[1] === 1 && due[1] !== 1;
  return logitsShapeError(
    `${label}: the logits have the shape [${came.join(', ')}], but [${due.join(', ')}] was promised.`,
    last
      ? 'The graph returns the logits of the last token alone, which continues texts and cannot score them: export it with the logits of all positions (num_logits_to_keep 0).'
      : width
        ? `If ${came[2]} entries are the vocabulary, put "vocabSize": ${came[2]} into the card and export the model with the shape it has.`
        : undefined,
  );
}

/** A head depends on nothing but the logits, so if it fails, they do not have the shape it was built for. */
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
