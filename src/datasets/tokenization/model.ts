/** What every model does: a word becomes ids. */
import { TokenizationFailure } from './part.js';

export interface Encoded {
  ids: readonly number[];
  /** Characters of the word that no token stands for, and which are not in the ids. */
  dropped: number;
}

export interface Model {
  /** @param word not empty   @throws TokenizationFailure */
  encode(word: string): Encoded;
}

/** Of a text with a part that no token stands for, by a tokenizer that cannot leave it out. */
export function noUnknown(): TokenizationFailure {
  return new TokenizationFailure(
    'text-without-tokens',
    'there are no tokens for a part of the text, and no unknown token',
  );
}

/** Of a word that would take too much memory or time. @param most characters */
export function wordTooLong(most: number): TokenizationFailure {
  return new TokenizationFailure(
    'tokenizer-too-costly',
    `a part of the text goes on for more than ${most} characters without a place to split it`,
  );
}
