/** What validations have in common: which sequences they see, and the mean over these. */
import type { TrainingText } from './settings.js';

/** Training counts its steps from 1; the noise of validation is that of the last steps there can be. */
const LAST_STEP = 2 ** 32 - 1;

export interface HeldOutBatch {
  /** As many as the graph takes. */
  rows: Int32Array[];
  /** The first so many count; the rest only fill the last batch. */
  counted: number;
  /** Of the noise. */
  step: number;
}

/** @param sequences at most so many, the first of the text   @param batch sequences that the graph takes */
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
  /** Over sequences; 0 of a single one. */
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
