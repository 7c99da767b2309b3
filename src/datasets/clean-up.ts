/**
 * Spaces before punctuation and English contractions removed, as transformers' clean_up_tokenization does when it
 * decodes: the same ten replacements in the same order. Protocol `duo` cleans up, `strict` does not.
 */
import { replace } from './python-text.js';

const REPLACEMENTS: readonly (readonly [string, string])[] = [
  [' .', '.'],
  [' ?', '?'],
  [' !', '!'],
  [' ,', ','],
  [" ' ", "'"],
  [" n't", "n't"],
  [" 'm", "'m"],
  [" 's", "'s"],
  [" 've", "'ve"],
  [" 're", "'re"],
];

export function cleanUpTokenization(text: string): string {
  return REPLACEMENTS.reduce((cleaned, [from, to]) => replace(cleaned, from, to), text);
}
