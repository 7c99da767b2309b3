/**
 * Encoding word by word: a text is cut at its added tokens, normalized and split into words, and each word is encoded by the
 * model. A word seen before need not be encoded again, and a text of any length needs little memory.
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

/** Words remembered; a large vocabulary of forms fits, at some MiB. */
const MOST_WORDS = 2 ** 16;
/** Longer words hardly come again. */
const LONGEST_WORD = 64;
/** Ids given out at once. */
const PIECE = 2 ** 16;
/** Words between two looks at the clock. */
const WORDS_A_LOOK = 32;
/** No piece is waited for longer than this, so that whoever asks can look at its clock as well, ms. */
const PATIENCE = 100;

export class WordEncoder {
  /** Whether its regular expressions are known to be quick. */
  readonly linear: boolean;
  /** Characters of all texts so far that no token stands for, and which are in no ids. */
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

  /** Ids of the text, in order, in arrays of about {@link PIECE} or less. @throws UnusableTokenizer, TokenizationFailure */
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
   * Made when they are needed, where whoever asks can stop it: their contents are normalized.
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
