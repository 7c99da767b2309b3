/**
 * Encoding word by word, for tokenizers that split text by GPT-2's pattern: no token crosses a word, so the ids of a
 * text are those of its words, and a word seen before need not be encoded again. Several times as fast as encoding
 * whole texts, with the same ids, and a text of any length needs little memory.
 */
import type { TokenizerJson } from './tokenizer-files.js';

/**
 * GPT-2's pattern as the Rust implementation reads it: its `\s` is Unicode's White_Space, whereas JavaScript's has
 * U+FEFF besides and lacks U+0085, which would change the ids of texts that hold them.
 */
export const GPT2_PATTERN =
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;

/** Words remembered; a large vocabulary of forms fits, at some MiB. */
const MOST_WORDS = 2 ** 16;
/** Longer words hardly come again. */
const LONGEST_WORD = 64;
/** Ids given out at once. */
const PIECE = 2 ** 16;

export class WordEncoder {
  private readonly words = new Map<string, readonly number[]>();
  private readonly added: ReadonlyMap<string, number>;
  private readonly addedPattern: RegExp | null;

  /** @param encodeWord ids of one word, by the whole tokenizer */
  constructor(
    { added_tokens: added }: TokenizerJson,
    private readonly encodeWord: (word: string) => readonly number[],
  ) {
    this.added = new Map((added ?? []).map(({ content, id }) => [content, id]));
    const longestFirst = [...this.added.keys()].filter(Boolean).sort((a, b) => b.length - a.length);
    this.addedPattern = longestFirst.length
      ? new RegExp(
          `(${longestFirst.map((content) => content.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')).join('|')})`,
          'u',
        )
      : null;
  }

  /** Whether the tokenizer is of the kind that this class encodes as the whole tokenizer would. */
  static suits({ normalizer, pre_tokenizer: pre, added_tokens: added, model }: TokenizerJson): boolean {
    const gpt2 = pre?.type === 'ByteLevel' && pre.use_regex !== false && !pre.add_prefix_space;
    const plain = (added ?? []).every((token) => !token.lstrip && !token.rstrip && !token.single_word);
    return gpt2 && plain && !normalizer && !model.fuse_unk;
  }

  /** Ids of the text, in order, in arrays of about {@link PIECE}. */
  *encode(text: string): Generator<number[]> {
    let ids: number[] = [];
    // With a capturing group, `split` keeps the added tokens, at odd places.
    const sections = this.addedPattern ? text.split(this.addedPattern) : [text];
    for (const [place, section] of sections.entries()) {
      if (place % 2 === 1) {
        ids.push(this.added.get(section)!);
        continue;
      }
      for (const [word] of section.matchAll(GPT2_PATTERN)) {
        for (const id of this.idsOf(word)) ids.push(id);
        if (ids.length < PIECE) continue;
        yield ids;
        ids = [];
      }
    }
    yield ids;
  }

  private idsOf(word: string): readonly number[] {
    const known = this.words.get(word);
    if (known) return known;
    const ids = this.encodeWord(word);
    if (word.length <= LONGEST_WORD) {
      if (this.words.size >= MOST_WORDS) this.words.clear();
      this.words.set(word, ids);
    }
    return ids;
  }
}
