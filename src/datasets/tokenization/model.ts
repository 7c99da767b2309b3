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

/** Symbols of a word, which may be characters or bytes: some 30 bytes and a microsecond are needed for each. */
export const LONGEST_WORD = 2 ** 20;

/** Of a word that would take too much memory or time. */
export function wordTooLong(): TokenizationFailure {
  return new TokenizationFailure(
    'tokenizer-too-costly',
    'a part of the text goes on for a million characters or more without a place to split it',
  );
}
