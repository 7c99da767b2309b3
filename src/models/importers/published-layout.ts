/**
 * A layout in which models are published: names of tensors, and a configuration that says the rest. One file a layout
 * recognises it and reads it; published-layouts.ts lists them.
 */

import type { Schedule } from '../card.js';
import type { Family } from '../family.js';
import type { ImportedModel } from './imported-model.js';
import type { Source } from './source.js';
import type { KnownTokenizer } from './special-tokens.js';
import type { StoredTensors } from './stored-tensor.js';

/** Values given by flags, which override the configuration but not the tensors. */
export interface ImportOverrides {
  family?: Family;
  heads?: number;
  length?: number;
  schedule?: Schedule;
  maskTokenId?: number;
  blockSize?: number;
  /** T of discrete time. */
  diffusionSteps?: number;
}

export interface PublishedModel {
  /** The file or folder, for messages. */
  where: string;
  /** As the user named the source: some repositories say the size of a model in the name of its file alone. */
  name: string;
  tensors: StoredTensors;
  /** Of a training run, what it was configured with; else config.json beside the weights, or null. */
  config: Source['config'];
  /** The file is the state of a training run: it may hold tensors outside the network. */
  isTraining: boolean;
  tokenizer: KnownTokenizer | null;
  /** Values given by flags, which override the configuration but not the tensors. */
  overrides: ImportOverrides;
}

export interface PublishedLayout {
  /** For the message about an unknown one: whose it is, and a tensor or `model_type` that shows it. */
  description: string;
  recognises(model: PublishedModel): boolean;
  /** @throws ModelError naming the tensors, or a setting of the configuration that the network does not have */
  read(model: PublishedModel): ImportedModel;
}
