/** Where losses come from: the network itself, or the journal of an earlier run before it. */
import type { Checkpoint } from '../../models/checkpoint.js';
import type { LossModel, ModelCall, SequenceLoss } from './loss-batch.js';

/** Fields of a checkpoint that an evaluation cannot do without, known to be there. */
export interface BatchModel extends LossModel {
  /** What the record calls the model in errors. */
  name: string;
}

export interface LossSource {
  readonly checkpoint: Checkpoint;
  /** @param calls of equal length and of one draw */
  losses(calls: readonly ModelCall[], model: BatchModel): Promise<SequenceLoss[]>;
}
