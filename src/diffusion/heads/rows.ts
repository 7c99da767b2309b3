/**
 * How a head reads the logits: as rows over the vocabulary, at all positions or at some.
 *
 * With all rows of a wide vocabulary at once, every operator of the head would write and read them in memory. That takes longer
 * than many a network, and several times the memory of the logits. So the projection to the vocabulary and the loss are
 * computed together, for a few rows at a time (graph/rows.ts).
 */
import type { Graph, Value } from '../../graph/graph.js';
import { Expand, Flatten, GatherND, Reshape, Shape } from '../../graph/operators.js';
import { inRowBlocks, type Projection, projectedRows, projection } from '../../graph/rows.js';
import { type HeadOptions, textLogits } from './head.js';

/** What a head computes per row, [rows…] each, from the logits, [rows…, vocab], and other inputs of the row. */
export type OfRow<Known extends Value[]> = (logits: Value, ...known: Known) => Value[];
/** The loss of each row, likewise. */
export type RowLoss<Known extends Value[]> = (logits: Value, ...known: Known) => Value;

/** Below this vocabulary a row is too short to be worth blocks. */
const LEAST_VOCABULARY = 4096;
/** Bytes of logits in a block, so that they stay in a cache; the projection may need more rows than that. */
const BLOCK_BYTES = 6 * 2 ** 20;
/** The projection's matrix is read once per block. With at least one row per this many of the network's width, that is little
 *  of the work. */
const WIDTH_PER_ROW = 8;

/** The loss at every position, [batch, length].
 *  @param known [batch, length]; all but the first may be [batch, 1] */
export function lossAtPositions<Known extends Value[]>(
  graph: Graph,
  options: HeadOptions,
  known: Known,
  loss: RowLoss<Known>,
): Value {
  return atPositions(graph, options, known, (...row) => [loss(...row)])[0];
}

/** The loss at some positions, [rows].
 *  @param rows int64 [rows, 2]: (sequence, position)   @param known [rows] */
export function lossAtRows<Known extends Value[]>(
  graph: Graph,
  options: HeadOptions,
  rows: Value,
  known: Known,
  loss: RowLoss<Known>,
): Value {
  return atRows(graph, options, rows, known, (...row) => [loss(...row)])[0];
}

/** As lossAtPositions, for several numbers per row. */
export function atPositions<Known extends Value[]>(
  graph: Graph,
  options: HeadOptions,
  known: Known,
  ofRow: OfRow<Known>,
): Value[] {
  const last = projectionForBlocks(graph, options);
  if (!last) return ofRow(textLogits(graph.value(options.logits), options), ...known);
  const shape = Shape(known[0]);
  const perRow = known.map((value) => Reshape(Expand(value, shape), [-1])) as Known;
  const states = Flatten(last.states, { axis: 2 });
  return inBlocks(last, states, options, perRow, ofRow).map((value) => Reshape(value, shape));
}

/** As lossAtRows, for several numbers per row. */
export function atRows<Known extends Value[]>(
  graph: Graph,
  options: HeadOptions,
  rows: Value,
  known: Known,
  ofRow: OfRow<Known>,
): Value[] {
  const last = projectionForBlocks(graph, options);
  if (!last) return ofRow(textLogits(projectedRows(graph, options.logits, rows), options), ...known);
  return inBlocks(last, GatherND(last.states, rows), options, known, ofRow);
}

/** Null if all rows together are better, or if the graph's last projection cannot be split into rows. */
function projectionForBlocks(
  graph: Graph,
  { logits, vocabSize, inBlocks: asked = true }: HeadOptions,
): Projection | null {
  return asked && vocabSize >= LEAST_VOCABULARY ? projection(graph, logits) : null;
}

function inBlocks<Known extends Value[]>(
  { project, width }: Projection,
  states: Value,
  options: HeadOptions,
  known: Known,
  ofRow: OfRow<Known>,
): Value[] {
  const rows = Math.max((options.blockBytes ?? BLOCK_BYTES) / (4 * options.vocabSize), width / WIDTH_PER_ROW);
  const size = 2 ** Math.max(2, Math.round(Math.log2(rows)));
  return inRowBlocks('rows', [states, ...known], size, (block, ...knownOfBlock) =>
    ofRow(textLogits(project(block), options), ...(knownOfBlock as Known)),
  );
}
