/**
 * Added tokens: texts that are one token wherever they occur, found before any splitting. Those not `normalized` are found
 * first, in the original text; the others in the normalized text, by their own normalized form.
 */
import type { AddedTokenJson } from '../tokenizer-files.js';
import type { Normalizer } from './normalizers.js';
import { type TokenizerBudget, UnusableTokenizer } from './part.js';
import { Trie } from './trie.js';
import { SPACES_AT_START, spaceBefore, WORD_AT_START, WORD_CHARACTER } from './unicode.js';

/** A piece of text, or a token that replaces one. */
export interface Section {
  text: string;
  id: number | null;
  /** Whether it starts where the searched text does. */
  first: boolean;
}

interface Sought extends Omit<AddedTokenJson, 'content'> {
  spelt: string;
}

export class AddedTokens {
  /** By id: what decoders receive for a normalized token. */
  readonly spelt: ReadonlyMap<number, string>;

  private readonly plain: Search;
  private readonly inNormalized: Search;

  /** @throws UnusableTokenizer when a token cannot be found, or two have the same text */
  constructor(
    added: readonly AddedTokenJson[],
    private readonly normalizer: Normalizer | null,
    private readonly budget: TokenizerBudget,
  ) {
    const tokens = [...new Map(added.map((token) => [token.content, token])).values()];
    const plain: Sought[] = [];
    const inNormalized: Sought[] = [];
    for (const { content, ...token } of tokens) {
      if (token.normalized ?? !token.special)
        inNormalized.push({ ...token, spelt: this.normalize(content).text });
      else plain.push({ ...token, spelt: content });
    }
    if (inNormalized.some(({ spelt }) => spelt === ''))
      throw new UnusableTokenizer('nothing is left of one of its added tokens when it is normalized');
    this.plain = new Search(plain, budget);
    this.inNormalized = new Search(inNormalized, budget);
    this.spelt = new Map(inNormalized.map(({ id, spelt }) => [id, spelt]));
    if (new Set(this.spelt.values()).size < inNormalized.length)
      throw new UnusableTokenizer('two of its added tokens are the same when they are normalized');
  }

  /** The normalized text between tokens, and the tokens, in order. */
  *sections(text: string): Generator<Section> {
    for (const outer of this.plain.sections(text)) {
      if (outer.id !== null) {
        yield outer;
        continue;
      }
      const { text: normalized, startLost } = this.normalize(outer.text);
      const first = outer.first && !startLost;
      for (const inner of this.inNormalized.sections(normalized))
        yield { ...inner, first: inner.first && first };
    }
  }

  private normalize(text: string): { text: string; startLost: boolean } {
    const draft = { text, startLost: false };
    if (this.normalizer) {
      this.normalizer.apply(draft);
      this.budget.spend(draft.text.length + 1);
    }
    return draft;
  }
}

/** Searches for the leftmost of several texts, and the longest at that position. */
class Search {
  /** Indices into `tokens`. */
  private readonly trie = new Trie();
  /** Possible first code units. */
  private readonly starts: RegExp | null;

  constructor(
    private readonly tokens: readonly Sought[],
    private readonly budget: TokenizerBudget,
  ) {
    for (const [place, { spelt }] of tokens.entries()) this.trie.add(spelt, place);
    const starts = new Set(tokens.map(({ spelt }) => spelt.slice(0, 1)));
    starts.delete('');
    const escaped = [...starts].map((start) => `\\u${start.charCodeAt(0).toString(16).padStart(4, '0')}`);
    this.starts = escaped.length > 0 ? new RegExp(`[${escaped.join('')}]`, 'g') : null;
  }

  *sections(text: string): Generator<Section> {
    let done = 0;
    for (const { token, at } of this.matches(text)) {
      let start = at;
      let end = at + token.spelt.length;
      if (token.single_word) {
        const within = at > 0 && endsWithWord(text, at);
        if (within || WORD_AT_START.test(text.slice(end, end + 2))) continue;
      }
      // Adjacent white space may belong to it, unless another token has it.
      if (token.lstrip) start = Math.max(spaceBefore(text, start, done), done);
      if (token.rstrip) {
        // A token within white space that another has taken ends where that does, and is not scanned again.
        if (end < done) end = done;
        else end += SPACES_AT_START.exec(text.slice(end))?.[0].length ?? 0;
      }
      if (done < start) yield { text: text.slice(done, start), id: null, first: done === 0 };
      // The previous token may have taken all of it as white space.
      if (start < end) yield { text: text.slice(start, end), id: token.id, first: start === 0 };
      done = end;
    }
    if (done < text.length) yield { text: done === 0 ? text : text.slice(done), id: null, first: done === 0 };
  }

  private *matches(text: string): Generator<{ token: Sought; at: number }> {
    const { starts } = this;
    if (!starts) return;
    let from = 0;
    for (;;) {
      starts.lastIndex = from;
      const at = starts.exec(text)?.index;
      if (at === undefined) return;
      let place = -1;
      const longer = (_end: number, id: number) => {
        place = id;
      };
      this.budget.spend(this.trie.tokensAt(text, at, longer));
      const token = this.tokens[place];
      if (token) yield { token, at };
      from = at + (token?.spelt.length ?? 1);
    }
  }
}

function endsWithWord(text: string, end: number): boolean {
  const low = text.charCodeAt(end - 1);
  const length = low >= 0xdc00 && low <= 0xdfff && end > 1 ? 2 : 1;
  return WORD_CHARACTER.test(text.slice(end - length, end));
}
