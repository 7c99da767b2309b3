/**
 * Spaces before punctuation and English contractions removed, as transformers' clean_up_tokenization does when it
 * decodes: the same ten replacements in the same order. Protocol `duo` cleans up, `strict` does not.
 *
 * The Rust tokenizers' WordPiece decoder has a list of its own with one more, which stands in the middle.
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

const replaced = (text: string, replacements: Replacements): string =>
  replacements.reduce((cleaned, [from, to]) => replace(cleaned, from, to), text);

export const cleanUpTokenization = (text: string): string => replaced(text, OF_TRANSFORMERS);

/** As the WordPiece and CTC decoders of the Rust library do, `do not` included. */
export const cleanUpOfDecoders = (text: string): string => replaced(text, OF_TOKENIZERS);
