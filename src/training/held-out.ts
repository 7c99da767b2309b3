/** What validations share: the sequences they use, and the mean over these. */
import type { TrainingText } from './settings.js';

/** Validation uses the noise of the last possible steps, which no training run reaches. */
const LAST_STEP = 2 ** 32 - 1;

export interface HeldOutBatch {
  /** As many as the graph's batch. */
  rows: Int32Array[];
  /** How many of the rows count, from the first; the rest only fill the last batch. */
  counted: number;
  /** Addresses the noise. */
  step: number;
}

/** @param sequences how many, at most: the first of the text   @param batch sequences per call of the graph */
export function heldOutBatches(text: TrainingText, sequences: number, batch: number): HeldOutBatch[] {
  const asked = Math.min(sequences, text.sequences);
  return Array.from({ length: Math.ceil(asked / batch) }, (_, i) => ({
    rows: Array.from({ length: batch }, (_, b) => text.sequence((i * batch + b) % text.sequences)),
    counted: Math.min(batch, asked - i * batch),
    step: LAST_STEP - i,
  }));
}

export interface MeanOverSequences {
  mean: number;
  /** Standard error over sequences; 0 for a single one. */
  stderr: number;
  sequences: number;
}

export function meanOverSequences(perSequence: readonly number[]): MeanOverSequences {
  const sequences = perSequence.length;
  const mean = perSequence.reduce((sum, loss) => sum + loss, 0) / sequences;
  const variance =
    perSequence.reduce((sum, loss) => sum + (loss - mean) ** 2, 0) / Math.max(1, sequences - 1);
  return { mean, stderr: Math.sqrt(variance / sequences), sequences };
}
