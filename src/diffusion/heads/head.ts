/**
 * What the loss heads share: the names of their inputs, and the preparation of the logits.
 *
 * A head is a graph appended to a checkpoint. It takes clean tokens and noise levels and returns one loss per token, so the
 * logits (206 MB per sequence at V = 50,257, L = 1,024) never leave the runtime.
 *
 * Losses come per unit of −dα: the integrand of the bound over α, without the schedule. Multiplied by −α'(t) they are the
 * papers' integrand over t. So one head serves every schedule and protocol.
 */
import type { Graph, Value } from '../../graph/graph.js';
import { Add, Cast, ReduceLogSum, Unsqueeze } from '../../graph/operators.js';
import type { Checkpoint } from '../../models/checkpoint.js';

/** Facts about the checkpoint that a head is appended to. */
export interface HeadOptions {
  /** Name of the output that holds the logits, [batch, length, vocab]. */
  logits: string;
  /** K: width of the logits, the mask included where there is one. */
  vocabSize: number;
  maskTokenId: number | null;
  /** Logits from here on are padding, which never counts; by default none are. */
  textVocabSize?: number | null;
  /** One that counts although it is beyond them: a mask that stays in the softmax. */
  keptTokenId?: number | null;
  /** Whether rows of a wide vocabulary are processed in blocks, for the caches of a cpu; true by default. */
  inBlocks?: boolean;
  /** Bytes of logits in such a block; has a default. */
  blockBytes?: number;
}

/** Names of the inputs and outputs that a head adds to the graph. */
export const HEAD = {
  /** int64 [batch, length], or [rows] for heads that look at some positions only: the clean tokens. */
  targets: 'duo_eval_targets',
  /** float64 [batch] or [rows]: 1 − α, because α near 1 has lost these digits. */
  oneMinusAlpha: 'duo_eval_one_minus_alpha',
  /** float64 [rows]: 1 − α at the clean end of the step; of discrete time alone. */
  nextOneMinusAlpha: 'duo_eval_next_one_minus_alpha',
  /** float64 [batch]: the probability of uniform noise; of masks and uniform noise together alone. */
  uniformNoise: 'duo_eval_uniform_noise',
  /** float64 [batch]: the rate at which tokens become the mask, by its probability and per unit of −dα; likewise. */
  noiseRate: 'duo_eval_noise_rate',
  /** int64 [rows, 2]: the (sequence, position) pairs a head looks at. */
  rows: 'duo_eval_rows',
  /** float32, shaped as the targets. */
  loss: 'duo_eval_loss',
} as const;

/** What a checkpoint's head is appended to. */
export const headOptionsOf = ({
  vocabSize,
  maskTokenId,
  textVocabSize,
}: Pick<Checkpoint, 'vocabSize' | 'maskTokenId' | 'textVocabSize'>): HeadOptions => ({
  logits: 'logits',
  vocabSize,
  maskTokenId,
  textVocabSize,
});

/** Logits in float32, with −∞ for what no text contains: the mask if the family has one, and padding. */
export function textLogits(
  logits: Value,
  { vocabSize, maskTokenId, textVocabSize, keptTokenId = null }: HeadOptions,
): Value {
  const float32 = Cast(logits, { to: 'float32' });
  const end = textVocabSize ?? vocabSize;
  if (maskTokenId === null && end >= vocabSize) return float32;
  const bias = new Float32Array(vocabSize).fill(Number.NEGATIVE_INFINITY, end);
  if (maskTokenId !== null) bias[maskTokenId] = Number.NEGATIVE_INFINITY;
  if (keptTokenId !== null) bias[keptTokenId] = 0;
  return Add(float32, logits.graph.initializer('mask_bias', 'float32', [vocabSize], bias));
}

/** The small tensors of a head are float64: a few numbers per token, whose differences must keep their digits. */
export const float64 = (value: Value): Value => Cast(value, { to: 'float64' });

/**
 * The rows of a masked head are padded to a multiple of this. With one row the runtime would use another matrix kernel, which
 * rounds differently, and it plans its memory anew for every new number of rows.
 */
const ROWS_STEP = 8;

/** Rows that a head is given where this many are asked for; the first ones are repeated at the end. */
export const paddedRows = (count: number): number => Math.ceil(count / ROWS_STEP) * ROWS_STEP;

/** ln of a few values in float64, by the one kernel that takes each alone: the same bits at any position. */
export const exactLog = (values: Value): Value =>
  ReduceLogSum(Unsqueeze(values, [-1]), { axes: [-1], keepdims: false });

/** Ends a head: declares its one output. */
export function lossOutput(graph: Graph, loss: Value, shape: readonly string[]): void {
  graph.clearOutputs();
  graph.output(Cast(loss, { to: 'float32' }), HEAD.loss, shape);
}
