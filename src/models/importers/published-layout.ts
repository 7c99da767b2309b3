/**
 * A layout in which models are published: names of tensors, and a configuration that says the rest. One file a layout
 * recognises it and reads it; published-layouts.ts lists them.
 */

import { ModelError } from '../../errors.js';
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
  /** What is known of the published model beside its files, which win over it. */
  known?: PublishedFacts | null;
}

/** What a repository's own files may leave out. */
export interface PublishedFacts {
  family?: Family;
  maskTokenId?: number;
  blockSize?: number;
  /** The repository of its tokenizer. */
  tokenizer?: string;
}

export interface PublishedLayout {
  /** For the message about an unknown one: whose it is, and a tensor or `model_type` that shows it. */
  description: string;
  recognises(model: PublishedModel): boolean;
  /** @throws ModelError naming the tensors, or a setting of the configuration that the network does not have */
  read(model: PublishedModel): ImportedModel;
}

/**
 * The mask of a model whose mask is one of its tokens: by a flag, its configuration, its tokenizer, or what is known of the published
 * model, in this order.
 * @param rows of the embedding   @param said by the configuration   @throws ModelError `no-mask-token`, `token-outside-vocabulary`
 */
export function maskTokenOf(
  { where, overrides, tokenizer, known }: PublishedModel,
  rows: number,
  said?: number,
): number {
  const id = overrides.maskTokenId ?? said ?? tokenizer?.maskTokenId ?? known?.maskTokenId;
  if (id === undefined) {
    throw new ModelError({
      code: 'no-mask-token',
      message: `${where}: nothing says which token is the mask: no flag, no mask_token_id in its configuration, no tokenizer that names one.`,
      hint: 'Put its tokenizer.json beside it, or give --mask-token-id.',
    });
  }
  if (id < rows) return id;
  throw new ModelError({
    code: 'token-outside-vocabulary',
    message: `${where}: the mask is said to be the token ${id}, but the embedding ends at ${rows - 1}.`,
    hint: 'Check --mask-token-id, and that the tokenizer is that of the model.',
  });
}
