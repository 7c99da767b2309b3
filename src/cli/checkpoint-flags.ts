/** Flags that complete or override a checkpoint's card: the same for every command that opens one. */
import { FAMILIES } from '../models/family.js';
import { choice, integer, string } from './flags.js';

const GROUP = 'CHECKPOINT';

/** The tokens at the ends of a sequence, for packing data and for given text. */
const boundaries = (known: string, helpGroup?: string) => ({
  'bos-token-id': integer({ min: 0, summary: `Id of BOS. [default: ${known}]`, helpGroup }),
  'eos-token-id': integer({ min: 0, summary: `Id of EOS. [default: ${known}]`, helpGroup }),
});

export const boundaryFlags = boundaries("the tokenizer's");

export interface BoundaryFlagValues {
  'bos-token-id'?: number;
  'eos-token-id'?: number;
}

export const boundariesOf = (flags: BoundaryFlagValues) => ({
  bosTokenId: flags['bos-token-id'],
  eosTokenId: flags['eos-token-id'],
});

const family = choice(FAMILIES)({ summary: 'Kind of model.', helpGroup: GROUP });

const ofGraph = {
  'vocab-size': integer({ min: 2, summary: 'Width of the logits.', helpGroup: GROUP }),
  'mask-token-id': integer({ min: 0, summary: 'Id of the mask token.', helpGroup: GROUP }),
  schedule: choice(['log-linear', 'cosine'])({
    summary: 'Noise schedule it was trained with.',
    helpGroup: GROUP,
  }),
};

/** What a card may lack, without its tokenizer and its boundaries; of every model that the command names. */
export const kindFlags = { family, ...ofGraph };

export const checkpointFlags = {
  family,
  tokenizer: string({
    summary: 'Tokenizer: a folder or a tokenizer.json.',
    helpValue: '<path>',
    helpGroup: GROUP,
  }),
  ...ofGraph,
  ...boundaries("the card's, else the tokenizer's", GROUP),
};

export interface CheckpointFlagValues extends BoundaryFlagValues {
  family?: (typeof FAMILIES)[number];
  tokenizer?: string;
  'vocab-size'?: number;
  'mask-token-id'?: number;
  schedule?: 'log-linear' | 'cosine';
}

/** Turns the flags into overrides of a card. */
export function checkpointOverrides(flags: CheckpointFlagValues) {
  return {
    family: flags.family,
    tokenizer: flags.tokenizer,
    vocabSize: flags['vocab-size'],
    maskTokenId: flags['mask-token-id'],
    ...boundariesOf(flags),
    schedule: flags.schedule && { type: flags.schedule, eps: 1e-3 },
  };
}
