/** The interface of all models: a word becomes ids. */
import { TokenizationFailure } from './part.js';

export interface Encoded {
  ids: readonly number[];
  /** Characters of the word that no token represents; the ids omit them. */
  dropped: number;
}

export interface Model {
  /** @param word not empty   @throws TokenizationFailure */
  encode(word: string): Encoded;
}

/** The error for text that no token represents, when the tokenizer cannot omit it. */
export function noUnknown(): TokenizationFailure {
  return new TokenizationFailure(
    'text-without-tokens',
    'there are no tokens for a part of the text, and no unknown token',
  );
}

/** Most symbols (characters or bytes) of a word: each takes about 30 bytes and a microsecond. */
export const LONGEST_WORD = 2 ** 20;

/** The error for a word that would take too much memory or time. */
export function wordTooLong(): TokenizationFailure {
  return new TokenizationFailure(
    'tokenizer-too-costly',
    'a part of the text goes on for a million characters or more without a place to split it',
  );
}
