/**
 * Byte-pair encoding (Sennrich et al. 2016, 1508.07909): starts from a word's characters and repeatedly merges the pair of
 * lowest rank, the leftmost in a tie. A word of n characters takes some 30 n bytes and n log n steps.
 */
import { z } from 'zod';
import { BinaryHeap } from '../../binary-heap.js';
import { byteIds, idsOfBytes } from './byte-tokens.js';
import { type Encoded, LONGEST_WORD, type Model, noUnknown, wordTooLong } from './model.js';
import { fields, type TokenizerBudget, UnusableTokenizer } from './part.js';

/** Ids and positions are below this, so one number represents a pair, or a rank and a position, exactly. */
const PAIR = 2 ** 24;

/** Words of at most so many code units are encoded whole. */
const SHORT = 256;
/** Limits of the cache for parts of longer words. */
const MOST_KNOWN = 2 ** 16;
const LONGEST_KNOWN = 64;

/** Each is queued and removed at most twice, in about half a microsecond. */
const STEPS_A_SYMBOL = 8;

export class BytePairModel implements Model {
  private readonly ids: ReadonlyMap<string, number>;
  private readonly unknownId: number | null | undefined;
  private readonly bytes: readonly (number | undefined)[] | null;
  /** A pair of ids → its rank. */
  private readonly ranks = new Map<number, number>();
  /** By rank: the merged token. */
  private readonly merged: Int32Array;
  private readonly prefix: string;
  private readonly suffix: string;
  private readonly fuseUnknown: boolean;
  private readonly ignoreMerges: boolean;

  private readonly known = new Map<string, Encoded>();
  /** Adjacent characters in tokens that merges make. Computed for the first long word. */
  private inside: ReadonlySet<string> | null = null;

  /** The vocabulary has been checked. @throws UnusableTokenizer */
  constructor(
    part: object,
    private readonly budget: TokenizerBudget,
  ) {
    const options = fields(part, 'model', {
      vocab: z.custom<Record<string, number>>((vocab) => !Array.isArray(vocab)),
      merges: z.custom<(string | [string, string])[]>(Array.isArray),
      dropout: z.number().nullish(),
      unk_token: z.string().nullish(),
      continuing_subword_prefix: z.string().nullish(),
      end_of_word_suffix: z.string().nullish(),
      fuse_unk: z.boolean().nullish(),
      byte_fallback: z.boolean().nullish(),
      ignore_merges: z.boolean().nullish(),
    });
    if (options.dropout) throw new UnusableTokenizer('its model drops merges at random ("dropout")');
    this.ids = new Map(Object.entries(options.vocab));
    this.prefix = options.continuing_subword_prefix ?? '';
    this.suffix = options.end_of_word_suffix ?? '';
    this.fuseUnknown = options.fuse_unk ?? false;
    this.ignoreMerges = options.ignore_merges ?? false;
    this.bytes = options.byte_fallback ? byteIds((token) => this.ids.get(token)) : null;
    const unknown = options.unk_token ?? null;
    this.unknownId = unknown === null ? null : this.ids.get(unknown);
    const { merges } = options;
    this.merged = new Int32Array(merges.length);
    for (const [rank, pair] of merges.entries()) {
      const [left, right] = typeof pair === 'string' ? pair.split(' ') : pair;
      // Vocabulary checks that a merge's parts and its result are tokens.
      this.ranks.set(this.ids.get(left)! * PAIR + this.ids.get(right)!, rank);
      this.merged[rank] = this.ids.get(left + right.slice(this.prefix.length))!; // as above
    }
  }

  encode(word: string): Encoded {
    const whole = this.ignoreMerges ? this.ids.get(word) : undefined;
    if (whole !== undefined) return { ids: [whole], dropped: 0 };
    if (word.length <= SHORT || this.prefix !== '' || this.suffix !== '') return this.encodePart(word);
    const ids: number[] = [];
    let dropped = 0;
    for (const part of this.parts(word)) {
      const encoded = this.known.get(part) ?? this.encodePart(part);
      if (part.length <= LONGEST_KNOWN && this.known.size < MOST_KNOWN) this.known.set(part, encoded);
      for (const id of encoded.ids) ids.push(id);
      dropped += encoded.dropped;
    }
    return { ids, dropped };
  }

  /**
   * Splits a long word, which may be a whole text, where no merge can join: between two characters that are tokens but are
   * adjacent in no token that a merge makes.
   */
  private *parts(word: string): Generator<string> {
    this.inside ??= this.pairsInside();
    let start = 0;
    let before = '';
    for (let at = 0; at < word.length; at += before.length) {
      // `at` is inside the word.
      const character = word.codePointAt(at)! > 0xffff ? word.slice(at, at + 2) : word[at];
      const joined = this.inside.has(before + character) || !this.ids.has(before) || !this.ids.has(character);
      if (!joined && at > start) {
        yield word.slice(start, at);
        start = at;
      }
      before = character;
    }
    yield word.slice(start);
  }

  private pairsInside(): Set<string> {
    const made = new Set(this.merged);
    const pairs = new Set<string>();
    for (const [token, id] of this.ids) {
      if (!made.has(id)) continue;
      const characters = [...token];
      for (let i = 1; i < characters.length; i++) pairs.add(characters[i - 1] + characters[i]);
    }
    return pairs;
  }

  private encodePart(word: string): Encoded {
    const { symbols, dropped } = this.symbolsOf(word);
    return { ids: this.merge(symbols), dropped };
  }

  /**
   * Ids of the word's characters. As in the reference, an unknown token is added only at the next known character, so
   * bytes in between precede it.
   */
  private symbolsOf(word: string): { symbols: number[]; dropped: number } {
    // A character has one or two code units, and gives at least one symbol unless it is dropped.
    if (word.length > 4 * LONGEST_WORD) throw wordTooLong();
    this.budget.spend(word.length * (1 + this.prefix.length + this.suffix.length));
    const symbols: number[] = [];
    let dropped = 0;
    let unknowns = 0; // not yet added: at most one
    for (let at = 0; at < word.length; ) {
      const next = at + (word.codePointAt(at)! > 0xffff ? 2 : 1); // `at` is inside the word
      const spelled =
        (at > 0 ? this.prefix : '') + word.slice(at, next) + (next === word.length ? this.suffix : '');
      at = next;
      const id = this.ids.get(spelled);
      if (id !== undefined) {
        // `unknowns` is counted only where there is an unknown token.
        if (unknowns > 0) symbols.push(this.unknownId!);
        unknowns = 0;
        symbols.push(id);
        continue;
      }
      const bytes = this.bytes && idsOfBytes(spelled, this.bytes);
      if (bytes) symbols.push(...bytes);
      else if (this.unknownId === null) dropped++;
      else if (this.unknownId === undefined) throw noUnknown();
      else {
        if (unknowns > 0 && !this.fuseUnknown) symbols.push(this.unknownId);
        unknowns = 1;
      }
      if (symbols.length > LONGEST_WORD) throw wordTooLong();
    }
    if (unknowns > 0) symbols.push(this.unknownId!); // as above
    return { symbols, dropped };
  }

  private merge(symbols: number[]): number[] {
    const count = symbols.length;
    if (count < 2) return symbols;
    if (count > LONGEST_WORD) throw wordTooLong();
    this.budget.spend(STEPS_A_SYMBOL * count);
    const ids = Int32Array.from(symbols);
    const next = Int32Array.from(symbols, (_, i) => (i + 1 < count ? i + 1 : -1));
    const previous = Int32Array.from(symbols, (_, i) => i - 1);
    const queue = new BinaryHeap<number>((a, b) => a < b);
    const offer = (place: number) => {
      if (place < 0 || next[place] < 0) return;
      const rank = this.ranks.get(ids[place] * PAIR + ids[next[place]]);
      if (rank !== undefined) queue.push(rank * PAIR + place);
    };
    for (let place = 0; place + 1 < count; place++) offer(place);
    for (let top = queue.pop(); top !== undefined; top = queue.pop()) {
      const rank = Math.floor(top / PAIR);
      const place = top - rank * PAIR;
      const right = next[place];
      if (ids[place] < 0 || right < 0) continue;
      // The queued pair may have changed since.
      const current = this.ranks.get(ids[place] * PAIR + ids[right]);
      if (current === undefined || this.merged[current] !== this.merged[rank]) continue;
      ids[place] = this.merged[rank];
      ids[right] = -1;
      next[place] = next[right];
      if (next[place] >= 0) previous[next[place]] = place;
      offer(previous[place]);
      offer(place);
    }
    return Array.from(ids.filter((id) => id >= 0));
  }
}
