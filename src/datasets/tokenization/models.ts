/** Models turn a word into ids. This file has the registry of types, and the two models that only look words up. */
import { z } from 'zod';
import type { TokenizerJson } from '../tokenizer-files.js';
import { BytePairModel } from './byte-pair-model.js';
import { type Encoded, type Model, noUnknown } from './model.js';
import { fields, type TokenizerBudget, unknownPart } from './part.js';
import { Trie } from './trie.js';
import { UnigramModel } from './unigram-model.js';

const WHAT = 'model';
const VOCABULARY = z.custom<Record<string, number>>((vocab) => !Array.isArray(vocab));

/** The vocabulary has been checked. @throws UnusableTokenizer */
export function modelOf(part: TokenizerJson['model'], budget: TokenizerBudget): Model {
  switch (part.type ?? typeByFields(part)) {
    case 'BPE':
      return new BytePairModel(part, budget);
    case 'Unigram':
      return new UnigramModel(part, budget);
    case 'WordPiece':
      return wordPiece(part, budget);
    case 'WordLevel':
      return wordLevel(part);
    default:
      return unknownPart(part, WHAT);
  }
}

/** Old files have no type. */
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

/** Takes the longest token from the left; a word with a part that is not a token is unknown as a whole. */
function wordPiece(part: object, budget: TokenizerBudget): Model {
  const options = fields(part, WHAT, {
    vocab: VOCABULARY,
    unk_token: z.string(),
    continuing_subword_prefix: z.string().default('##'),
    max_input_chars_per_word: z.number().default(100),
  });
  const ids = new Map(Object.entries(options.vocab));
  const trie = new Trie();
  for (const [token, id] of ids) trie.add(token, id);
  const { continuing_subword_prefix: prefix, max_input_chars_per_word: most } = options;
  const inside = trie.after(prefix);
  const unknown = (): Encoded => {
    const id = ids.get(options.unk_token);
    if (id === undefined) throw noUnknown();
    return { ids: [id], dropped: 0 };
  };
  return {
    encode(word) {
      // A character has one or two code units.
      if (word.length > most && (word.length > 2 * most || [...word].length > most)) return unknown();
      const found: number[] = [];
      for (let start = 0; start < word.length; ) {
        const from = start > 0 ? inside : 0;
        let longest = start;
        let longestId = 0;
        const longer = (end: number, id: number) => {
          longest = end;
          longestId = id;
        };
        if (from !== null) budget.spend(trie.tokensAt(word, start, longer, from));
        if (longest === start) return unknown();
        found.push(longestId);
        start = longest;
      }
      return { ids: found, dropped: 0 };
    },
  };
}
