/** Where losses come from: the network, or the journal of an earlier run. */
import type { Checkpoint } from '../../models/checkpoint.js';
import { blockSizeOf } from '../../models/family.js';
import type { LossModel, ModelCall, SequenceLoss } from './loss-batch.js';

/** The fields of a checkpoint that an evaluation needs, all present. */
export interface BatchModel extends LossModel {
  /** Name of the model in errors. */
  name: string;
}

/** @param drawn the seed of the noise, and whether sequences begin with BOS and end with EOS */
export function batchModelOf(checkpoint: Checkpoint, drawn: Pick<LossModel, 'seed' | 'wrapped'>): BatchModel {
  const { name, family, vocabSize, maskTokenId, signature, neverMasked } = checkpoint;
  const { fixedLength } = signature;
  const blockSize = blockSizeOf(checkpoint);
  return { name, family, vocabSize, maskTokenId, ...drawn, fixedLength, blockSize, neverMasked };
}

export interface LossSource {
  readonly checkpoint: Checkpoint;
  /** @param calls of equal length and of one draw */
  losses(calls: readonly ModelCall[], model: BatchModel): Promise<SequenceLoss[]>;
}
