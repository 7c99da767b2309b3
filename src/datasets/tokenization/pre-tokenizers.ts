/**
 * Pre-tokenizers split a text into the words that the model sees. Each turns pieces into pieces, one at a time, so a text of
 * any length needs little memory.
 */
import { z } from 'zod';
import { charactersOfBytes } from '../byte-level.js';
import { wordTooLong } from './model.js';
import { fields, type Part, partsOf, type TokenizerBudget, UnusableTokenizer, unknownPart } from './part.js';
import { type Pattern, patternOf, type Segment, segments } from './patterns.js';
import { EVERY_NUMERAL, EVERY_PUNCTUATION, EVERY_SPACE, GPT2_PATTERN, WORDS_AND_SIGNS } from './unicode.js';

export interface PreTokenizer {
  /** @param first whether the first piece begins the text */
  split(pieces: Iterable<string>, first: boolean): Iterable<string>;
  linear: boolean;
}

const WHAT = 'pre-tokenizer';

/** What happens to the matches when a text is split at them. */
const BEHAVIORS = ['Removed', 'Isolated', 'MergedWithPrevious', 'MergedWithNext', 'Contiguous'] as const;
type Behavior = (typeof BEHAVIORS)[number];

/** @param leading whether it is the first to split   @throws UnusableTokenizer */
export function preTokenizerOf(part: Part, budget: TokenizerBudget, leading = true): PreTokenizer {
  budget.takePart();
  switch (part.type) {
    case 'Sequence': {
      const { pretokenizers } = fields(part, WHAT, { pretokenizers: z.array(z.unknown()) });
      const parts = partsOf(pretokenizers, WHAT);
      return sequence(parts.map((inner, i) => preTokenizerOf(inner, budget, leading && i === 0)));
    }
    case 'ByteLevel':
      return byteLevel(part, budget);
    case 'Metaspace':
      return metaspace(part, leading, budget);
    case 'Split': {
      const { behavior, invert } = fields(part, WHAT, { behavior: z.enum(BEHAVIORS), invert: z.boolean() });
      return splitter(patternOf(part, WHAT), behavior, budget, invert);
    }
    case 'Punctuation': {
      const { behavior } = fields(part, WHAT, { behavior: z.enum(BEHAVIORS).default('Isolated') });
      return splitter(quick(EVERY_PUNCTUATION), behavior, budget);
    }
    case 'Digits': {
      const { individual_digits: each } = fields(part, WHAT, { individual_digits: z.boolean() });
      return splitter(quick(EVERY_NUMERAL), each ? 'Isolated' : 'Contiguous', budget);
    }
    case 'CharDelimiterSplit': {
      const { delimiter } = fields(part, WHAT, { delimiter: z.string() });
      return splitter(patternOf({ ...part, ...stringPattern(delimiter) }, WHAT), 'Removed', budget);
    }
    case 'Whitespace':
      return splitter(quick(WORDS_AND_SIGNS), 'Removed', budget, true);
    case 'WhitespaceSplit':
      return splitter(quick(EVERY_SPACE), 'Removed', budget);
    case 'BertPreTokenizer':
      return sequence([
        splitter(quick(EVERY_SPACE), 'Removed', budget),
        splitter(quick(EVERY_PUNCTUATION), 'Isolated', budget),
      ]);
    case 'FixedLength':
      return fixedLength(fields(part, WHAT, { length: z.int().positive().default(5) }).length, budget);
    default:
      return unknownPart(part, WHAT);
  }
}

const quick = (expression: RegExp): Pattern => ({ expression, linear: true });
const stringPattern = (text: string) => ({ pattern: { String: text } });

function sequence(parts: readonly PreTokenizer[]): PreTokenizer {
  return {
    linear: parts.every(({ linear }) => linear),
    split: (pieces, first) => parts.reduce((split, part) => part.split(split, first), pieces),
  };
}

function splitter(
  pattern: Pattern,
  behavior: Behavior,
  budget: TokenizerBudget,
  invert = false,
): PreTokenizer {
  return {
    linear: pattern.linear,
    *split(pieces) {
      for (const piece of pieces) {
        budget.spend(piece.length);
        yield* splitAtMatches(piece, pattern, behavior, invert);
      }
    },
  };
}

function byteLevel(part: Part, budget: TokenizerBudget): PreTokenizer {
  const { add_prefix_space: prefix, use_regex: words } = fields(part, WHAT, {
    add_prefix_space: z.boolean().default(false),
    use_regex: z.boolean().default(true),
  });
  const gpt2 = quick(GPT2_PATTERN);
  return {
    linear: true,
    *split(pieces) {
      for (const piece of pieces) {
        budget.spend(piece.length);
        const whole = prefix && !piece.startsWith(' ') ? ` ${piece}` : piece;
        if (!words) yield spellInBytes(whole);
        else for (const word of splitAtMatches(whole, gpt2, 'Isolated')) yield spellInBytes(word);
      }
    },
  };
}

/** Most code units of a word that is spelt in bytes; the model may still split it. */
const LONGEST_SPELLED = 2 ** 24;

function spellInBytes(word: string): string {
  if (word.length > LONGEST_SPELLED) throw wordTooLong();
  return charactersOfBytes(word);
}

function metaspace(part: Part, leading: boolean, budget: TokenizerBudget): PreTokenizer {
  const options = fields(part, WHAT, {
    replacement: z.string().refine((text) => [...text].length === 1),
    prepend_scheme: z.enum(['always', 'first', 'never']).default('always'),
    add_prefix_space: z.boolean().nullish(),
    split: z.boolean().nullish(),
  });
  const { replacement, prepend_scheme: scheme } = options;
  if (options.add_prefix_space === false && scheme !== 'never')
    throw new UnusableTokenizer('its pre-tokenizer "Metaspace" says both to mark the first word and not to');
  if (scheme === 'first' && !leading)
    throw new UnusableTokenizer('its pre-tokenizer "Metaspace" marks the first word after another has split');
  const everyMark = patternOf(stringPattern(replacement) as Part, WHAT);
  return {
    linear: true,
    *split(pieces, first) {
      let place = 0;
      for (const piece of pieces) {
        budget.spend(piece.length);
        const marks = scheme === 'always' || (scheme === 'first' && first && place === 0);
        place++;
        const spelled = piece.replaceAll(' ', replacement);
        const marked = marks && !spelled.startsWith(replacement) ? replacement + spelled : spelled;
        if (options.split === false) yield marked;
        else yield* splitAtMatches(marked, everyMark, 'MergedWithNext');
      }
    },
  };
}

function fixedLength(length: number, budget: TokenizerBudget): PreTokenizer {
  return {
    linear: true,
    *split(pieces) {
      for (const piece of pieces) {
        budget.spend(piece.length);
        let start = 0;
        let count = 0;
        for (let at = 0; at < piece.length; ) {
          at += piece.codePointAt(at)! > 0xffff ? 2 : 1; // `at` is inside the piece
          if (++count < length) continue;
          yield piece.slice(start, at);
          start = at;
          count = 0;
        }
        if (start < piece.length) yield piece.slice(start);
      }
    },
  };
}

/** Non-empty pieces of the text. @param invert swaps matches and the text between them */
function* splitAtMatches(
  text: string,
  pattern: Pattern,
  behavior: Behavior,
  invert = false,
): Generator<string> {
  let held: Segment | null = null; // may still grow
  let before = false; // whether the previous segment is a match
  for (const { start, end, isMatch: matched } of segments(text, pattern)) {
    const segment: Segment = { start, end, isMatch: matched !== invert };
    const { isMatch } = segment;
    if (behavior === 'Removed' && isMatch) continue;
    if (held && joins(behavior, held, segment, before)) held.end = end;
    else {
      if (held && held.end > held.start) yield text.slice(held.start, held.end);
      held = segment;
    }
    before = isMatch;
  }
  if (held && held.end > held.start) yield text.slice(held.start, held.end);
}

/** Whether `segment` joins the held piece; `before` says whether that piece ends with a match. */
function joins(behavior: Behavior, held: Segment, { isMatch }: Segment, before: boolean): boolean {
  if (behavior === 'Contiguous') return isMatch === before;
  if (behavior === 'MergedWithPrevious') return isMatch && !before;
  // A match joins what follows, unless that is also a match.
  if (behavior === 'MergedWithNext') return held.isMatch && before && !isMatch;
  return false;
}
