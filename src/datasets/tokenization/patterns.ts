/**
 * Regular expressions of a tokenizer.json. They use Oniguruma's syntax, which @huggingface/tokenizers
 * translates. This file refuses, by name, constructs that lose their meaning in translation. Matches follow Oniguruma's
 * iterator.
 */
import * as library from '@huggingface/tokenizers';
import { z } from 'zod';
import { wordTooLong } from './model.js';
import { fields, type Part, TokenizationFailure, UnusableTokenizer } from './part.js';

/** TypeScript's resolution for Node does not find its types. */
const { SplitPreTokenizer } = library as unknown as {
  SplitPreTokenizer: new (config: object) => { pattern: RegExp };
};

export interface Pattern {
  /** With the flags `g` and `u`. */
  expression: RegExp;
  /** Whether it is known to take time linear in the text. Any other pattern runs under a deadline. */
  linear: boolean;
}

/** From `start` to `end`: a match, or the text between two. */
export interface Segment {
  start: number;
  end: number;
  isMatch: boolean;
}

/** `{"String": …}` or `{"Regex": …}`. @throws UnusableTokenizer */
export function patternOf(part: Part, what: string): Pattern {
  const { pattern } = fields(part, what, {
    pattern: z.union([z.strictObject({ String: z.string() }), z.strictObject({ Regex: z.string() })]),
  });
  if ('String' in pattern) {
    const text = pattern.String;
    if (text.length > LONGEST_SOURCE)
      throw new UnusableTokenizer(
        `the text that its ${what} seeks is longer than ${LONGEST_SOURCE} characters`,
      );
    // Each position may compare most of it.
    return {
      expression: new RegExp(text.replace(SYNTAX, '\\$&'), 'gu'),
      linear: text.length <= LONGEST_QUICK,
    };
  }
  return expressionOf(pattern.Regex, what);
}

const SYNTAX = /[\\^$.*+?()[\]{}|/]/g;

/** Most characters of a regular expression or a text to find. */
const LONGEST_SOURCE = 2 ** 16;
/** Most characters of a text whose search takes linear time. */
const LONGEST_QUICK = 64;

function expressionOf(source: string, what: string): Pattern {
  if (source.length > LONGEST_SOURCE)
    throw new UnusableTokenizer(
      `the regular expression of its ${what} is longer than ${LONGEST_SOURCE} characters`,
    );
  const known = PUBLISHED.get(source);
  const plain = known ?? source;
  const spelt = CONTRACTIONS.reduce((text, [from, to]) => text.replaceAll(from, to), plain);
  const refused = foreignConstruct(spelt);
  if (refused !== null)
    throw new UnusableTokenizer(
      `the regular expression of its ${what} has ${refused}, which is not known here`,
    );
  try {
    const config = { type: 'Split', pattern: { Regex: spelt }, invert: true };
    const translated = new SplitPreTokenizer(config).pattern.source;
    // With this form, V8 also matches the end in the middle of a text.
    const anchored = translated.replaceAll('(?![\\s\\S])', '$').replaceAll('(?<![\\s\\S])', '^');
    return { expression: new RegExp(anchored, 'gu'), linear: known !== undefined };
  } catch (cause) {
    throw new UnusableTokenizer(`the regular expression of its ${what} cannot be used`, { cause });
  }
}

/**
 * English contractions without regard to case, as in published patterns, spelt out: in Oniguruma `s` also matches ſ,
 * which the translation omits.
 */
const CONTRACTIONS: readonly (readonly [string, string])[] = [
  ["(?i:'s|'t|'re|'ve|'m|'ll|'d)", "(?:'[sSſ]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])"],
  ['(?i:[sdmt]|ll|ve|re)', '(?:[sSſdDmMtT]|[lL][lL]|[vV][eE]|[rR][eE])'],
];

/**
 * Patterns of published tokenizers that were checked for linear time: an attempt backtracks over one character, or over a
 * run that the next alternative takes whole. The value is an equivalent, simpler pattern: a possessive quantifier before
 * characters outside its own class never backtracks anyway.
 */
const PUBLISHED: ReadonlyMap<string, string> = new Map(
  (
    [
      // GPT-2
      ["'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"],
      // Llama 3
      [
        "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
      ],
      // Qwen 2
      [
        "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
      ],
      // cl100k
      [
        "'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+",
        "'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+",
      ],
    ] as const
  ).map(([source, plain]) => [source, plain ?? source]),
);

/** A construct that the translation does not preserve, or null. */
function foreignConstruct(source: string): string | null {
  let depth = 0; // nesting of character classes
  let quantified = false;
  for (let i = 0; i < source.length; i++) {
    const rest = source.slice(i, i + 4);
    const [character] = rest;
    if (character === '\\') {
      if ('GKXRNOyY'.includes(rest[1] ?? '')) return `\\${rest[1]}`;
      if (/^\\[pP]\{\^/.test(rest)) return '\\p{^…}';
      i++;
      quantified = false;
    } else if (depth > 0) {
      if (character === '[') depth++;
      else if (character === ']') depth--;
    } else if (character === '[') {
      depth = 1;
      // A leading bracket is literal.
      if (source[i + 1] === '^') i++;
      if (source[i + 1] === ']') i++;
      quantified = false;
    } else if (character === '(' && rest[1] === '?') {
      if (!/^\(\?(?:[:=!]|<[=!A-Za-z_])/.test(rest)) return `"${rest.slice(0, 3)}"`;
      i++;
      quantified = false;
    } else if ('?*+'.includes(character)) {
      if (quantified && character === '+') return 'a possessive quantifier';
      quantified = true;
    } else {
      quantified = false;
    }
  }
  return null;
}

/**
 * Splits the whole text into segments. An empty match right after another match does not count, as in Oniguruma. Empty
 * segments are included where the reference has them, because some split behaviors depend on them.
 */
export function* segments(text: string, { expression }: Pattern): Generator<Segment> {
  let previous = 0;
  let from = 0;
  let lastEnd = -1;
  while (from <= text.length) {
    const match = matchAt(expression, text, from);
    if (!match) break;
    const start = match.index;
    const end = start + match[0].length;
    if (start === end && end === lastEnd) {
      from = end + ((text.codePointAt(end) ?? 0) > 0xffff ? 2 : 1);
      continue;
    }
    if (previous < start) yield { start: previous, end: start, isMatch: false };
    yield { start, end, isMatch: true };
    previous = end;
    from = end;
    lastEnd = end;
  }
  if (previous < text.length) yield { start: previous, end: text.length, isMatch: false };
}

function matchAt(expression: RegExp, text: string, from: number): RegExpExecArray | null {
  expression.lastIndex = from;
  try {
    return expression.exec(text);
  } catch (cause) {
    // Backtracking in V8's regular expressions is bounded: their stack is 64 MiB.
    if (cause instanceof RangeError) throw wordTooLong();
    throw cause;
  }
}

/** Most characters that a text may grow to; no honest normalizer comes near. */
const mostOf = (text: string) => 32 * text.length + 2 ** 20;

/** @throws TokenizationFailure when the result would be disproportionately long */
export function replaceMatches(text: string, pattern: Pattern, content: string): string {
  const most = mostOf(text);
  const kept: string[] = [];
  let length = 0;
  for (const { start, end, isMatch } of segments(text, pattern)) {
    const piece = isMatch ? content : text.slice(start, end);
    length += piece.length;
    if (length > most) throw tooMuchGrowth();
    kept.push(piece);
  }
  return kept.join('');
}

/** @throws TokenizationFailure when a normalizer has made a text `most` times as long */
export function checkGrowth(before: string, after: string): void {
  if (after.length > mostOf(before)) throw tooMuchGrowth();
}

function tooMuchGrowth(): TokenizationFailure {
  return new TokenizationFailure('tokenizer-too-costly', 'it makes the text more than 32 times as long');
}
