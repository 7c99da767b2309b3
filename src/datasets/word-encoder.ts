/**
 * Encoding word by word: a text is cut at its added tokens, normalized and split into words, and the model encodes each
 * word. A cache holds words seen before, and a text of any length needs little memory.
 */
import { z } from 'zod';
import { AddedTokens } from './tokenization/added-tokens.js';
import type { Encoded, Model } from './tokenization/model.js';
import { modelOf } from './tokenization/models.js';
import { type Normalizer, normalizerOf } from './tokenization/normalizers.js';
import {
  fields,
  type Part,
  partsOf,
  TokenizerBudget,
  UnusableTokenizer,
  unknownPart,
} from './tokenization/part.js';
import { type PreTokenizer, preTokenizerOf } from './tokenization/pre-tokenizers.js';
import type { TokenizerJson } from './tokenizer-files.js';

const POST_PROCESSOR = 'post-processor';

/** Most words in the cache: enough for a large vocabulary of word forms, in a few MiB. */
const MOST_WORDS = 2 ** 16;
/** Longer words rarely repeat, and are not cached. */
const LONGEST_WORD = 64;
/** Ids per piece. */
const PIECE = 2 ** 16;
/** Words between two checks of the clock. */
const WORDS_A_LOOK = 32;
/** Longest time per piece, ms, so that the caller can also check its clock. */
const PATIENCE = 100;

export class WordEncoder {
  /** Whether its regular expressions are known to take linear time. */
  readonly linear: boolean;
  /** Characters of all texts so far that no token represents; the ids omit them. */
  dropped = 0;

  private readonly normalizer: Normalizer | null;
  private added: AddedTokens | null = null;
  private readonly preTokenizer: PreTokenizer | null;
  private readonly model: Model;
  private readonly budget = new TokenizerBudget();
  private readonly words = new Map<string, Encoded>();

  /** @throws UnusableTokenizer */
  constructor(private readonly tokenizer: TokenizerJson) {
    const { normalizer, pre_tokenizer: pre, post_processor: post, model } = tokenizer;
    const { budget } = this;
    this.normalizer = normalizer ? normalizerOf(normalizer, budget) : null;
    this.preTokenizer = pre ? preTokenizerOf(pre, budget) : null;
    this.model = modelOf(model, budget);
    if (post) checkPostProcessor(post, budget);
    this.linear = this.normalizer?.linear !== false && this.preTokenizer?.linear !== false;
  }

  /** Ids of the text, in order, in arrays of at most about {@link PIECE}. @throws UnusableTokenizer, TokenizationFailure */
  *encode(text: string): Generator<number[]> {
    this.budget.allow(text.length);
    let ids: number[] = [];
    let seen = 0;
    let since = performance.now();
    for (const section of this.addedTokens().sections(text)) {
      if (section.id !== null) {
        ids.push(section.id);
        continue;
      }
      const words = this.preTokenizer?.split([section.text], section.first) ?? [section.text];
      for (const word of words) {
        for (const id of this.idsOf(word)) ids.push(id);
        const late = ++seen % WORDS_A_LOOK === 0 && performance.now() - since > PATIENCE;
        if (ids.length < PIECE && !late) continue;
        yield ids;
        ids = [];
        since = performance.now();
      }
    }
    yield ids;
  }

  /**
   * Built on first use, under the caller's deadline, because it normalizes their contents.
   * @throws UnusableTokenizer, TokenizationFailure
   */
  addedTokens(): AddedTokens {
    this.added ??= new AddedTokens(this.tokenizer.added_tokens ?? [], this.normalizer, this.budget);
    return this.added;
  }

  private idsOf(word: string): readonly number[] {
    this.budget.spend(word.length + 1);
    let encoded = this.words.get(word);
    if (!encoded) {
      encoded = this.model.encode(word);
      if (word.length <= LONGEST_WORD) {
        if (this.words.size >= MOST_WORDS) this.words.clear();
        this.words.set(word, encoded);
      }
    }
    this.dropped += encoded.dropped;
    return encoded.ids;
  }
}

/**
 * Post-processors add special tokens, which we never request. This refuses one that does anything else.
 * @throws UnusableTokenizer
 */
function checkPostProcessor(part: Part, budget: TokenizerBudget): void {
  budget.takePart();
  switch (part.type) {
    case 'ByteLevel':
    case 'BertProcessing':
    case 'RobertaProcessing':
      return;
    case 'Sequence': {
      const { processors } = fields(part, POST_PROCESSOR, { processors: z.array(z.unknown()) });
      for (const inner of partsOf(processors, POST_PROCESSOR)) checkPostProcessor(inner, budget);
      return;
    }
    case 'TemplateProcessing': {
      const { single } = fields(part, POST_PROCESSOR, { single: z.array(z.record(z.string(), z.unknown())) });
      if (single.filter((piece) => Object.hasOwn(piece, 'Sequence')).length !== 1)
        throw new UnusableTokenizer(
          'the template of its post-processor has not exactly one place for the text',
        );
      return;
    }
    default:
      unknownPart(part, POST_PROCESSOR);
  }
}
