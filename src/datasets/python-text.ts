/**
 * What Python's `str` and `re` mean by white space, word characters, `$` and `strip()`, for rules written
 * in Python. JavaScript differs: its `\s` has U+FEFF and lacks U+001C…U+001F and U+0085, its `\w` is ASCII, and its `$`
 * does not match before a final newline.
 */

/** For use inside a character class: `\s` of a Python str pattern, which is also what `strip()` removes. */
export const SPACE = '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
/** For use inside a character class of a `u` pattern: `\w` of a Python str pattern. It excludes combining marks. */
export const WORD = '\\p{L}\\p{N}_';
/** `$` without re.MULTILINE: the end, or just before a newline that ends the text. */
export const END = '(?=\\n?(?![\\s\\S]))';

const SPACES_AT_START = new RegExp(`^[${SPACE}]+`);
const SPACE_CHARACTER = new RegExp(`[${SPACE}]`);

/** `str.strip()`. */
export function strip(text: string): string {
  const start = SPACES_AT_START.exec(text)?.[0].length ?? 0;
  let end = text.length;
  while (end > start && SPACE_CHARACTER.test(text[end - 1])) end--;
  return text.slice(start, end);
}

/** `str.replace(from, to)`: every occurrence, left to right, `to` taken literally. */
export function replace(text: string, from: string, to: string): string {
  return text.includes(from) ? text.split(from).join(to) : text;
}
