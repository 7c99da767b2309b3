/** Models: what turns a word into ids. The registry of their types, and the two that only look words up. */
import { z } from 'zod';
import type { TokenizerJson } from '../tokenizer-files.js';
import { BytePairModel } from './byte-pair-model.js';
import { type Encoded, type Model, noUnknown } from './model.js';
import { fields, unknownPart } from './part.js';
import { UnigramModel } from './unigram-model.js';

const WHAT = 'model';
const VOCABULARY = z.custom<Record<string, number>>((vocab) => !Array.isArray(vocab));

/** The vocabulary has been checked. @throws UnusableTokenizer */
export function modelOf(part: TokenizerJson['model']): Model {
  switch (part.type ?? typeByFields(part)) {
    case 'BPE':
      return new BytePairModel(part);
    case 'Unigram':
      return new UnigramModel(part);
    case 'WordPiece':
      return wordPiece(part);
    case 'WordLevel':
      return wordLevel(part);
    default:
      return unknownPart(part, WHAT);
  }
}

/** Files of old have no type. */
function typeByFields(part: object): string | undefined {
  const has = (...keys: string[]) => keys.every((key) => Object.hasOwn(part, key));
  if (has('vocab', 'merges')) return 'BPE';
  if (has('vocab', 'unk_token', 'continuing_subword_prefix', 'max_input_chars_per_word')) return 'WordPiece';
  if (has('vocab', 'unk_token')) return 'WordLevel';
  return has('vocab') ? 'Unigram' : undefined;
}

function wordLevel(part: object): Model {
  const { vocab, unk_token: unknown } = fields(part, WHAT, { vocab: VOCABULARY, unk_token: z.string() });
  const ids = new Map(Object.entries(vocab));
  return {
    encode(word) {
      const id = ids.get(word) ?? ids.get(unknown);
      if (id === undefined) throw noUnknown();
      return { ids: [id], dropped: 0 };
    },
  };
}

/** The longest token first, from the left; a word with a part that is no token is unknown as a whole. */
function wordPiece(part: object): Model {
  const options = fields(part, WHAT, {
    vocab: VOCABULARY,
    unk_token: z.string(),
    continuing_subword_prefix: z.string().default('##'),
    max_input_chars_per_word: z.number().default(100),
  });
  const ids = new Map(Object.entries(options.vocab));
  const longest = [...ids.keys()].reduce((most, { length }) => Math.max(most, length), 0);
  const { continuing_subword_prefix: prefix, max_input_chars_per_word: most } = options;
  const unknown = (): Encoded => {
    const id = ids.get(options.unk_token);
    if (id === undefined) throw noUnknown();
    return { ids: [id], dropped: 0 };
  };
  return {
    encode(word) {
      // A character is one code unit or two.
      if (word.length > most && (word.length > 2 * most || [...word].length > most)) return unknown();
      const found: number[] = [];
      for (let start = 0; start < word.length; ) {
        const before = start > 0 ? prefix : '';
        let end = Math.min(word.length, start + longest);
        let id: number | undefined;
        for (; end > start; end--) {
          id = ids.get(before + word.slice(start, end));
          if (id !== undefined) break;
        }
        if (id === undefined) return unknown();
        found.push(id);
        start = end;
      }
      return { ids: found, dropped: 0 };
    },
  };
}
