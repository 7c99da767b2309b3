/**
 * Ids of special tokens as the reference's training code fixes them (dataloader.py, trainer_base.py): BOS and EOS of the
 * tokenizer, or else CLS and SEP; the mask of the tokenizer, or else one token added after all others.
 */
import type { Card } from '../card.js';
import { type Family, usesMask } from '../family.js';

/** What is known about the tokenizer of a model. */
export interface KnownTokenizer {
  /** Its largest id plus one. */
  size: number;
  bosTokenId: number | null;
  eosTokenId: number | null;
  /** The id of `[MASK]` or `<mask>`. */
  maskTokenId: number | null;
}

const GPT2: KnownTokenizer = { size: 50_257, bosTokenId: 50_256, eosTokenId: 50_256, maskTokenId: null };
const BERT: KnownTokenizer = { size: 30_522, bosTokenId: 101, eosTokenId: 102, maskTokenId: 103 };

/** The tokenizer with a vocabulary of this size in the reference's configurations; null if there is none. */
export function publishedTokenizer(vocabSize: number): (KnownTokenizer & { name: string }) | null {
  if (vocabSize === GPT2.size || vocabSize === GPT2.size + 1) return { name: 'gpt2', ...GPT2 };
  if (vocabSize === BERT.size) return { name: 'bert-base-uncased', ...BERT };
  return null;
}

/** @param tokenizer of the model; null: the published one with this vocabulary size, if there is one */
export function specialTokens(
  family: Family,
  vocabSize: number,
  tokenizer: KnownTokenizer | null,
): { card: Pick<Card, 'bosTokenId' | 'eosTokenId' | 'maskTokenId'>; notices: string[] } {
  const known = tokenizer ?? publishedTokenizer(vocabSize);
  const notices: string[] = [];
  const card: Pick<Card, 'bosTokenId' | 'eosTokenId' | 'maskTokenId'> = {};
  if (known?.bosTokenId != null) card.bosTokenId = known.bosTokenId;
  if (known?.eosTokenId != null) card.eosTokenId = known.eosTokenId;
  const masks = usesMask(family) || (family === 'ar' && known !== null && vocabSize > known.size);
  if (masks || (family === 'ar' && known?.maskTokenId != null)) {
    card.maskTokenId = known?.maskTokenId ?? vocabSize - 1;
    if (!known)
      notices.push(
        `The mask token is taken to be the last, ${vocabSize - 1}: --mask-token-id says otherwise.`,
      );
  }
  return { card, notices };
}
