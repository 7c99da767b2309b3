/** The interface of control variates (estimator.ts), and their inputs. */
import type { PackedStream } from '../../datasets/packed-stream.js';
import type { DrawnIntegration } from '../../diffusion/integration.js';
import type { TimePlan } from '../../diffusion/times.js';
import type { Schedule } from '../../models/card.js';
import { usesMask } from '../../models/family.js';
import type { NumberColumn } from '../../storage/number-column.js';
import type { LossModel, ModelCall, SequenceLoss } from './loss-batch.js';

/** Subtracts from a pass's losses the part that a closed-form model explains. */
export interface Correction {
  /** Whether it needs the losses of this call per token. */
  wantsByToken(sequence: number, draw: number): boolean;
  /** Receives every call of a pass once, in any order. */
  observe(call: ModelCall, loss: SequenceLoss): void;
  /** After a pass: corrects each sequence's nats and text nats in place. */
  correct(draw: number, nats: NumberColumn, textNats: NumberColumn): Promise<void>;
  /** Frees its memory. */
  close(): void;
}

/** The parts of an evaluation that a correction needs. */
export interface CorrectionContext {
  stream: PackedStream;
  /** Sequences that are evaluated, the first of the stream's. */
  sequences: number;
  plan: TimePlan;
  integration: DrawnIntegration;
  schedule: Schedule;
  model: LossModel;
  signal?: AbortSignal;
}

/** How often each token of the vocabulary occurs in the whole stream, [vocab]; 0 for the mask, which must not occur. */
export function vocabularyCounts(
  stream: PackedStream,
  { vocabSize, maskTokenId, family }: LossModel,
): Float64Array {
  const counts = new Float64Array(vocabSize);
  counts.set(stream.unigramCounts().subarray(0, vocabSize));
  // masked families have a mask token
  if (usesMask(family)) counts[maskTokenId!] = 0;
  return counts;
}
