/**
 * Unigram language models (Kudo 2018, 1804.10959): of all ways to cut a word into tokens, Viterbi's algorithm finds the one
 * with the largest sum of scores. Time and memory are linear in the word's length.
 */
import { z } from 'zod';
import { byteIds, idsOfBytes } from './byte-tokens.js';
import { type Encoded, type Model, noUnknown, wordTooLong } from './model.js';
import { fields, type TokenizerBudget } from './part.js';
import { Trie } from './trie.js';

/** How far the score of an unknown character is below the smallest score. */
const UNKNOWN_PENALTY = 10;
/** Most UTF-16 code units of a word; each takes about 16 bytes. */
const LONGEST_WORD = 2 ** 24;

export class UnigramModel implements Model {
  private readonly ids: ReadonlyMap<string, number>;
  private readonly scores: Float64Array;
  private readonly unknownId: number | null;
  private readonly unknownScore: number;
  private readonly bytes: readonly (number | undefined)[] | null;
  private readonly trie = new Trie();

  /** The vocabulary has been checked. @throws UnusableTokenizer */
  constructor(
    part: object,
    private readonly budget: TokenizerBudget,
  ) {
    const options = fields(part, 'model', {
      vocab: z.custom<[string, number][]>(Array.isArray),
      unk_id: z.number().nullish(),
      byte_fallback: z.boolean().nullish(),
    });
    this.ids = new Map(options.vocab.map(([token], id) => [token, id]));
    this.scores = Float64Array.from(options.vocab, ([, score]) => score);
    this.unknownId = options.unk_id ?? null;
    this.unknownScore =
      this.scores.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY) - UNKNOWN_PENALTY;
    for (const [token, id] of this.ids) this.trie.add(token, id);
    this.bytes = options.byte_fallback ? byteIds((token) => this.ids.get(token)) : null;
  }

  encode(word: string): Encoded {
    if (word.length > LONGEST_WORD) throw wordTooLong();
    const { startOf, idOf } = this.bestPath(word);
    const ids: number[] = [];
    // From the end; adjacent unknown characters are one token.
    let end = word.length;
    while (end > 0) {
      let start = startOf[end];
      if (idOf[end] === this.unknownId)
        while (start > 0 && idOf[start] === this.unknownId) start = startOf[start];
      this.pushReversed(word.slice(start, end), ids);
      end = start;
    }
    return { ids: ids.reverse(), dropped: 0 };
  }

  /** For each position in the word where a token can end: where the best token starts, and its id. */
  private bestPath(word: string): { startOf: Int32Array; idOf: Int32Array } {
    const size = word.length + 1;
    const best = new Float64Array(size);
    const startOf = new Int32Array(size).fill(-1);
    const idOf = new Int32Array(size);
    const offer = (start: number, end: number, score: number, id: number) => {
      if (startOf[end] >= 0 && score <= best[end]) return;
      best[end] = score;
      startOf[end] = start;
      idOf[end] = id;
    };
    for (let start = 0; start < word.length; ) {
      const next = start + (word.codePointAt(start)! > 0xffff ? 2 : 1); // `start` is inside the word
      let single = false;
      const steps = this.trie.tokensAt(word, start, (end, id) => {
        offer(start, end, this.scores[id] + best[start], id);
        single ||= end === next;
      });
      this.budget.spend(steps);
      if (!single) {
        const score = this.unknownScore + best[start];
        if (this.unknownId === null && (startOf[next] < 0 || score > best[next])) throw noUnknown();
        offer(start, next, score, this.unknownId ?? 0);
      }
      start = next;
    }
    return { startOf, idOf };
  }

  private pushReversed(piece: string, ids: number[]): void {
    const id = this.ids.get(piece);
    if (id !== undefined) {
      ids.push(id);
      return;
    }
    const spelled = this.bytes && idsOfBytes(piece, this.bytes);
    if (spelled) {
      for (let i = spelled.length - 1; i >= 0; i--) ids.push(spelled[i]);
      return;
    }
    if (this.unknownId === null) throw noUnknown();
    ids.push(this.unknownId);
  }
}
