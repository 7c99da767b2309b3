/**
 * Ids of special tokens as the reference's training code fixes them (dataloader.py, trainer_base.py): BOS and EOS of the
 * tokenizer, or else CLS and SEP; the mask of the tokenizer, or else one token added after all others.
 */
import { ModelError } from '../../errors.js';
import type { Card } from '../card.js';
import { type Family, isMasked } from '../family.js';
import type { PublishedModel } from './published-layout.js';

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
  const masks = isMasked(family) || (family === 'ar' && known !== null && vocabSize > known.size);
  if (masks || (family === 'ar' && known?.maskTokenId != null)) {
    card.maskTokenId = known?.maskTokenId ?? vocabSize - 1;
    if (!known)
      notices.push(
        `The mask token is taken to be the last, ${vocabSize - 1}: --mask-token-id says otherwise.`,
      );
  }
  return { card, notices };
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
