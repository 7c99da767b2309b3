/**
 * What importers of encoders share: a masked language model is masked diffusion without a noise level, whose mask is the token that
 * its tokenizer says, and whose texts begin with [CLS], which its training never masked.
 */
import { ModelError, UsageError } from '../../errors.js';
import type { Card } from '../card.js';
import { usualSchedule } from '../fields.js';
import type { PublishedModel } from './published-layout.js';
import { publishedTokenizer } from './special-tokens.js';
import type { StoredTensors } from './stored-tensor.js';
import { lengthOf, type TransformersConfig } from './transformers-config.js';

/**
 * @param usualContext positions of a configuration that does not say them
 * @throws ModelError, UsageError `mask-token-unknown`
 */
export function maskedCard(
  model: PublishedModel,
  config: TransformersConfig,
  { vocabSize, usualContext }: { vocabSize: number; usualContext: number },
): { card: Card; context: number; notices: string[] } {
  const { where, overrides, tokenizer } = model;
  const { family } = overrides;
  if (family !== undefined && family !== 'mdlm') {
    throw new ModelError({
      code: 'config-contradicts-tensors',
      message: `${where} is said to be of the family ${family}, but it is an encoder that fills masks and is told no noise level.`,
      hint: 'Leave out --family: such a model is of the family mdlm.',
    });
  }
  const { length, context, notices } = lengthOf(config, model, usualContext);
  const known = tokenizer ?? publishedTokenizer(vocabSize);
  const id = (own: number | null | undefined, keys: readonly string[]) =>
    own ?? keys.map((key) => config.token(key, vocabSize)).find((found) => found !== undefined);
  const bosTokenId = id(known?.bosTokenId, ['cls_token_id', 'bos_token_id']);
  const eosTokenId = id(known?.eosTokenId, ['sep_token_id', 'eos_token_id']);
  const card: Card = {
    family: 'mdlm',
    vocabSize,
    length,
    ...(bosTokenId !== undefined && { bosTokenId }),
    ...(eosTokenId !== undefined && { eosTokenId }),
    maskTokenId: maskOf(model, id(known?.maskTokenId, ['mask_token_id']), vocabSize),
    schedule: overrides.schedule ?? usualSchedule('mdlm'),
    timeConditioning: false,
    ...(bosTokenId !== undefined && { neverMasked: [0] }),
    ...(tokenizer && tokenizer.size < vocabSize && { textVocabSize: tokenizer.size }),
  };
  return { card, context, notices };
}

function maskOf(
  { where, tokenizer, overrides }: PublishedModel,
  known: number | undefined,
  vocabSize: number,
): number {
  const mask = overrides.maskTokenId ?? known;
  if (mask === undefined) {
    throw new UsageError({
      code: 'mask-token-unknown',
      message: `${where}: nothing says which token is its mask; ${tokenizer ? 'its tokenizer has no [MASK] or <mask>' : 'no tokenizer.json lies beside it'}.`,
      hint: 'Give --tokenizer with that of the model, or --mask-token-id.',
    });
  }
  if (mask < vocabSize) return mask;
  throw new ModelError({
    code: 'mask-token-unknown',
    message: `${where}: its mask cannot be the token ${mask}, because it has only ${vocabSize} tokens.`,
    hint: 'Correct --mask-token-id, or give the tokenizer of this model.',
  });
}

/** Heads that divide the width, each with an even one if positions are rotary. @throws ModelError `heads-do-not-divide` */
export function headsOf(
  { where, overrides }: PublishedModel,
  config: TransformersConfig,
  hiddenSize: number,
  { even = false } = {},
): number {
  const heads = overrides.heads ?? config.count('num_attention_heads');
  if (hiddenSize % (even ? 2 * heads : heads) === 0) return heads;
  throw new ModelError({
    code: 'heads-do-not-divide',
    message: `${where}: ${heads} heads do not divide the width ${hiddenSize}${even ? ' into even parts, which rotary positions need' : ''}.`,
    hint: 'Correct num_attention_heads in its config.json, or give --heads.',
  });
}

/**
 * The encoder alone, as saved for embeddings or classification, predicts no tokens.
 * @param head a tensor of the head that does   @throws ModelError `no-token-head`
 */
export function checkPredictsTokens(where: string, tensors: StoredTensors, head: string): void {
  if (tensors.has(head)) return;
  throw new ModelError({
    code: 'no-token-head',
    message: `${where} has no "${head}": it is an encoder without the head that predicts masked tokens.`,
    hint: 'Use the checkpoint of the masked language model (…ForMaskedLM), not one for embeddings or classification.',
  });
}
