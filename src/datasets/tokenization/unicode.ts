/**
 * Character classes of the reference implementation. Its crates use different versions of Unicode: Unicode 8 for
 * punctuation and the marks that BERT strips, Unicode 9 for normalization and StripAccents, and otherwise a version as new
 * as Node's. The lists here hold the characters that later versions added to each class, found by comparing both
 * implementations on every code point (tokenizers 0.23.2, Unicode 17).
 */

/** For use inside a class: `\s` of the reference, which has U+0085 and lacks U+FEFF. */
const SPACE = '\\p{White_Space}';
/** GPT-2's pattern of words. */
export const GPT2_PATTERN =
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;

/** For use inside a class: `\w` of Rust's regex crate. */
const WORD = '\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}';

export const SPACES_AT_START = new RegExp(`^${SPACE}+`, 'u');
export const WORD_AT_START = new RegExp(`^[${WORD}]`, 'u');
const SPACE_CHARACTER = new RegExp(`^${SPACE}$`, 'u');
export const WORD_CHARACTER = new RegExp(`^[${WORD}]$`, 'u');
export const EVERY_SPACE = new RegExp(SPACE, 'gu');
export const EVERY_NUMERAL = /\p{N}/gu;
/** What Whitespace keeps: words, and runs of characters that are neither word nor space. */
export const WORDS_AND_SIGNS = new RegExp(`[${WORD}]+|[^${WORD}${SPACE}]+`, 'gu');

const NEWER_PUNCTUATION =
  '\\u061d\\u09fd-\\u0a76\\u0c77-\\u0c84\\u1b4e\\u1b4f\\u1b7d-\\u1b7f\\u2e43-\\u2e5d\\u{10d6e}-\\u{10f89}' +
  '\\u{113d4}-\\u{1145d}\\u{11660}-\\u{116b9}\\u{1183b}-\\u{11fff}\\u{12ff1}\\u{12ff2}\\u{16d6d}-\\u{16fe2}' +
  '\\u{1e5ff}-\\u{1e95f}';
export const EVERY_PUNCTUATION = new RegExp(
  `(?![${NEWER_PUNCTUATION}])\\p{P}|[!-/:-@[-\`{-~\\u166d\\u{111c9}]`,
  'gu',
);

const NEWER_MARK =
  '\\u07fd\\u0897-\\u08d3\\u09fe\\u0afa-\\u0aff\\u0b55\\u0c04-\\u0c3c\\u0cf3-\\u0d00\\u0d3b\\u0d3c\\u0d81\\u0eba\\u0ece' +
  '\\u1715\\u180f\\u1abf-\\u1aeb\\u1cf7\\u1df6-\\u1dfa\\ua82c\\ua8ff\\u{10d24}-\\u{10f85}\\u{11070}-\\u{11074}' +
  '\\u{110c2}\\u{11145}\\u{11146}\\u{111c9}\\u{111ce}\\u{111cf}\\u{11241}\\u{1133b}\\u{113b8}-\\u{113e2}\\u{1145e}' +
  '\\u{1182c}-\\u{11b67}\\u{11d31}-\\u{1612f}\\u{16f4f}\\u{16f7f}-\\u{16f87}\\u{16fe4}-\\u{16ff1}' +
  '\\u{1cf00}-\\u{1cf46}\\u{1e08f}-\\u{1e6f5}';
/** What StripAccents removes. */
export const EVERY_MARK = new RegExp(`(?![${NEWER_MARK}])\\p{M}`, 'gu');

const NEWER_NONSPACING_MARK =
  '\\u07fd\\u0897-\\u08e1\\u09fe\\u0afa-\\u0aff\\u0b55\\u0c04-\\u0c3c\\u0d00\\u0d3b\\u0d3c\\u0d81\\u0eba\\u0ece' +
  '\\u180f-\\u1886\\u1abf-\\u1aeb\\u1df6-\\u1dfb\\ua82c\\ua8c5\\ua8ff\\ua9bd\\u{10d24}-\\u{10f85}' +
  '\\u{11070}-\\u{11074}\\u{110c2}\\u{111c9}\\u{111cf}\\u{1123e}-\\u{11241}\\u{1133b}\\u{113bb}-\\u{1145e}' +
  '\\u{1182f}-\\u{1612f}\\u{16f4f}\\u{16fe4}\\u{1cf00}-\\u{1cf46}\\u{1e000}-\\u{1e6f5}\\u{1e944}-\\u{1e94a}';
/** What BertNormalizer removes as accents, after NFD. */
export const EVERY_NONSPACING_MARK = new RegExp(
  `(?![${NEWER_NONSPACING_MARK}])\\p{Mn}|[\\u1734\\u{1171e}]`,
  'gu',
);

/** What BertNormalizer removes as control characters. */
export const EVERY_CONTROL = /(?![\t\n\r\u0890-\u08e2\u{110cd}-\u{1343f}])[\p{Cc}\p{Cf}\p{Co}]|\ufffd/gu;

const NEWER_DECOMPOSITION =
  '\\u32ff\\ua7f1-\\ua7f4\\uab69\\u{105c9}\\u{105e4}\\u{10781}-\\u{10785}\\u{10787}-\\u{107b0}\\u{107b2}-\\u{107ba}' +
  '\\u{11383}\\u{11385}\\u{1138e}\\u{11391}\\u{113c5}\\u{113c7}\\u{113c8}\\u{11938}\\u{16121}-\\u{16128}' +
  '\\u{16d68}-\\u{16d6a}\\u{1ccd6}-\\u{1ccf9}\\u{1e030}-\\u{1e06d}\\u{1f16c}\\u{1fbf0}-\\u{1fbf9}';
const NEWER_IN_NORMALIZATION = new RegExp(`((?=\\p{M})[${NEWER_MARK}]|[${NEWER_DECOMPOSITION}])`, 'u');

/** Unicode normalization by the tables of Unicode 9, which treat later marks as ordinary characters. */
export function normalize(text: string, form: 'NFC' | 'NFD' | 'NFKC' | 'NFKD'): string {
  if (!NEWER_IN_NORMALIZATION.test(text)) return text.normalize(form);
  return text
    .split(NEWER_IN_NORMALIZATION)
    .map((piece, place) => (place % 2 === 1 ? piece : piece.normalize(form)))
    .join('');
}

/** Lower case letter by letter: a final sigma gets no special form. */
export function lowerCase(text: string): string {
  return text.replaceAll('Σ', 'σ').toLowerCase();
}

/** @param end a place in `text`   @param least lower bound of the result   @returns where the white space before `end` starts */
export function spaceBefore(text: string, end: number, least = 0): number {
  let start = end;
  // Every white-space character is one code unit.
  while (start > least && SPACE_CHARACTER.test(text[start - 1])) start--;
  return start;
}
