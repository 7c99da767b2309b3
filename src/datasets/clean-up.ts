/**
 * Removes spaces before punctuation and in English contractions, as transformers' clean_up_tokenization does on
 * decoding: the same ten replacements in the same order. Protocol `duo` cleans up, `strict` does not.
 *
 * The WordPiece decoder of the Rust library has one more replacement, in the middle of the list.
 */
import { replace } from './python-text.js';

type Replacements = readonly (readonly [string, string])[];

const BEFORE: Replacements = [
  [' .', '.'],
  [' ?', '?'],
  [' !', '!'],
  [' ,', ','],
  [" ' ", "'"],
  [" n't", "n't"],
  [" 'm", "'m"],
];
const AFTER: Replacements = [
  [" 's", "'s"],
  [" 've", "'ve"],
  [" 're", "'re"],
];
const OF_TRANSFORMERS: Replacements = [...BEFORE, ...AFTER];
const OF_TOKENIZERS: Replacements = [...BEFORE, [' do not', " don't"], ...AFTER];

const replaceAllOf = (text: string, replacements: Replacements): string =>
  replacements.reduce((cleaned, [from, to]) => replace(cleaned, from, to), text);

export const cleanUpTokenization = (text: string): string => replaceAllOf(text, OF_TRANSFORMERS);

/** Cleans up as the WordPiece and CTC decoders of the Rust library do, `do not` included. */
export const cleanUpOfDecoders = (text: string): string => replaceAllOf(text, OF_TOKENIZERS);
