/** Where losses come from: the network itself, or the journal of an earlier run before it. */
import type { Checkpoint } from '../../models/checkpoint.js';
import type { ModelCall, SequenceLoss } from './loss-batch.js';
import type { BatchModel } from './loss-session.js';

export interface LossSource {
  readonly checkpoint: Checkpoint;
  /** @param calls of equal length and of one draw */
  losses(calls: readonly ModelCall[], model: BatchModel): Promise<SequenceLoss[]>;
}
