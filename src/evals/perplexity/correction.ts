/** What takes the noise out of a pass's losses (estimator.ts), and what it needs to know. */
import type { PackedStream } from '../../datasets/packed-stream.js';
import type { Integration } from '../../diffusion/integration.js';
import type { TimePlan } from '../../diffusion/times.js';
import { isMasked } from '../../models/family.js';
import type { NumberColumn } from '../../storage/number-column.js';
import type { LossModel, ModelCall, SequenceLoss } from './loss-batch.js';

/** Takes from a pass's losses what a model in closed form explains of them. */
export interface Correction {
  /** Does it want this call's losses token by token? */
  wantsByToken(sequence: number, draw: number): boolean;
  /** Every call of a pass once, in any order. */
  observe(call: ModelCall, loss: SequenceLoss): void;
  /** After a pass: corrects each sequence's nats and text nats in place. */
  correct(draw: number, nats: NumberColumn, textNats: NumberColumn): Promise<void>;
  /** It is needed no more. */
  close(): void;
}

/** What a correction has to know of the evaluation. */
export interface CorrectionContext {
  stream: PackedStream;
  /** Sequences that are evaluated, the first of the stream's. */
  sequences: number;
  plan: TimePlan;
  integration: Integration;
  model: LossModel;
  signal?: AbortSignal;
}

/** How often each token of the vocabulary occurs in the whole stream, [vocab]; the mask, which must not, never. */
export function vocabularyCounts(
  stream: PackedStream,
  { vocabSize, maskTokenId, family }: LossModel,
): Float64Array {
  const counts = new Float64Array(vocabSize);
  counts.set(stream.unigramCounts().subarray(0, vocabSize));
  // masked families have a mask token
  if (isMasked(family)) counts[maskTokenId!] = 0;
  return counts;
}
