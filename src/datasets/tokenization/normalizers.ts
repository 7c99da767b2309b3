/** Normalizers change a text before it is split. One function per type, as in the reference. */
import { z } from 'zod';
import { charactersOfBytes } from '../byte-level.js';
import { fields, type Part, partsOf, type TokenizerBudget, unknownPart } from './part.js';
import { checkGrowth, type Pattern, patternOf, replaceMatches } from './patterns.js';
import { Precompiled } from './precompiled.js';
import {
  EVERY_CONTROL,
  EVERY_MARK,
  EVERY_NONSPACING_MARK,
  EVERY_SPACE,
  lowerCase,
  normalize,
  SPACES_AT_START,
  spaceBefore,
} from './unicode.js';

/** A text during normalization. */
export interface Draft {
  text: string;
  /** Whether the first character was removed: Metaspace then no longer treats this as the text's first word. */
  startLost: boolean;
}

export interface Normalizer {
  apply(draft: Draft): void;
  /** Whether its regular expressions, if any, are known to take linear time. */
  linear: boolean;
}

const WHAT = 'normalizer';

/** @throws UnusableTokenizer */
export function normalizerOf(part: Part, budget: TokenizerBudget): Normalizer {
  budget.takePart();
  switch (part.type) {
    case 'Sequence': {
      const { normalizers } = fields(part, WHAT, { normalizers: z.array(z.unknown()) });
      const parts = partsOf(normalizers, WHAT).map((inner) => normalizerOf(inner, budget));
      return sequence(parts, budget);
    }
    case 'NFC':
    case 'NFD':
    case 'NFKC':
    case 'NFKD': {
      const form = part.type;
      return mapText((text) => normalize(text, form));
    }
    case 'Lowercase':
      return mapText(lowerCase);
    case 'Nmt':
      return sequence([removeAll(NMT_CONTROL), mapText((text) => text.replace(NMT_SPACE, ' '))], budget);
    case 'StripAccents':
      return removeAll(EVERY_MARK);
    case 'Strip':
      return strip(fields(part, WHAT, { strip_left: z.boolean(), strip_right: z.boolean() }));
    case 'Prepend': {
      const { prepend } = fields(part, WHAT, { prepend: z.string() });
      return mapText((text) => prepend + text);
    }
    case 'Replace': {
      const { content } = fields(part, WHAT, { content: z.string() });
      return replace(patternOf(part, WHAT), content);
    }
    case 'ByteLevel':
      return mapText(charactersOfBytes);
    case 'Precompiled': {
      const { precompiled_charsmap: map } = fields(part, WHAT, {
        precompiled_charsmap: z.string().nullish(),
      });
      const precompiled = map ? new Precompiled(Buffer.from(map, 'base64')) : null;
      return mapText((text) => precompiled?.normalize(text) ?? text);
    }
    case 'BertNormalizer':
      return bert(part, budget);
    default:
      return unknownPart(part, WHAT);
  }
}

function sequence(parts: readonly Normalizer[], budget: TokenizerBudget): Normalizer {
  return {
    linear: parts.every(({ linear }) => linear),
    apply(draft) {
      const { text } = draft;
      for (const part of parts) {
        part.apply(draft);
        checkGrowth(text, draft.text);
        budget.spend(draft.text.length + 1);
      }
    },
  };
}

/** An empty text stays empty: no normalizer adds to it. */
function mapText(change: (text: string) => string): Normalizer {
  return {
    linear: true,
    apply(draft) {
      if (draft.text !== '') draft.text = change(draft.text);
    },
  };
}

/** @param every has the flag `g` */
function removeAll(every: RegExp): Normalizer {
  return {
    linear: true,
    apply(draft) {
      const kept = draft.text.replace(every, '');
      if (kept.length === draft.text.length) return;
      every.lastIndex = 0;
      draft.startLost ||= every.exec(draft.text)?.index === 0;
      draft.text = kept;
    },
  };
}

function replace(pattern: Pattern, content: string): Normalizer {
  return {
    linear: pattern.linear,
    apply(draft) {
      if (draft.text === '') return;
      const { expression } = pattern;
      expression.lastIndex = 0;
      if (content === '' && !draft.startLost) {
        const first = expression.exec(draft.text);
        draft.startLost = first?.index === 0 && first[0] !== '';
      }
      draft.text = replaceMatches(draft.text, pattern, content);
    },
  };
}

function strip({
  strip_left: left,
  strip_right: right,
}: {
  strip_left: boolean;
  strip_right: boolean;
}): Normalizer {
  return {
    linear: true,
    apply(draft) {
      const { text } = draft;
      const start = left ? (SPACES_AT_START.exec(text)?.[0].length ?? 0) : 0;
      const end = right ? Math.max(start, spaceBefore(text, text.length)) : text.length;
      draft.startLost ||= start > 0;
      draft.text = text.slice(start, end);
    },
  };
}

const NMT_CONTROL = /[\u0001-\u0008\u000b\u000e-\u001f\u007f\u008f\u009f]/g;
const NMT_SPACE = /[\t\n\f\r\u1680\u200b-\u200f\u2028\u2029\u2581\ufeff\ufffd]/g;

/** CJK ideographs; BERT treats each as a word. */
const IDEOGRAPH =
  /[\u4e00-\u9fff\u3400-\u4dbf\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b920}-\u{2ceaf}\uf900-\ufaff\u{2f800}-\u{2fa1f}]/gu;

function bert(part: Part, budget: TokenizerBudget): Normalizer {
  const options = fields(part, WHAT, {
    clean_text: z.boolean(),
    handle_chinese_chars: z.boolean(),
    strip_accents: z.boolean().nullish(),
    lowercase: z.boolean(),
  });
  const parts: Normalizer[] = [];
  if (options.clean_text) {
    parts.push(removeAll(EVERY_CONTROL));
    parts.push(mapText((text) => text.replace(EVERY_SPACE, ' ')));
  }
  if (options.handle_chinese_chars) parts.push(mapText((text) => text.replace(IDEOGRAPH, ' $& ')));
  if (options.strip_accents ?? options.lowercase) {
    parts.push(mapText((text) => normalize(text, 'NFD')));
    parts.push(removeAll(EVERY_NONSPACING_MARK));
  }
  if (options.lowercase) parts.push(mapText(lowerCase));
  return sequence(parts, budget);
}
