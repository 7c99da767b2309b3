/** n-grams of token ids, numbered: what distinct-n, self-BLEU and divergences of n-grams count. No n-gram reaches from one text into the next. */

/** An id of an n-gram's first n − 1 tokens and its last token, in one number that a double holds exactly. */
const TOKENS = 2 ** 26;

/** Counts n-grams of the orders 1 to `most`, and the distinct ones of each order. */
export class NGrams {
  /** By order, from 1: n-grams seen. */
  readonly totals: number[];
  /** By order: the n-grams, each as (number of its first n − 1 tokens, its last token), numbered in order of occurrence. */
  private readonly known: Map<number, number>[];

  constructor(private readonly most: number) {
    this.totals = new Array(most + 1).fill(0);
    this.known = Array.from({ length: most + 1 }, () => new Map());
  }

  /** @param tokens ids below 2^26   @returns by order, from 1: the number of each of the text's n-grams, in their order */
  add(tokens: ArrayLike<number>): Float64Array[] {
    const added: Float64Array[] = Array.from({ length: this.most + 1 }, () => new Float64Array(0));
    let before = new Float64Array(tokens.length);
    for (let order = 1; order <= this.most && order <= tokens.length; order++) {
      const known = this.known[order];
      const count = tokens.length - order + 1;
      const numbers = new Float64Array(count);
      for (let i = 0; i < count; i++) {
        const key = before[i] * TOKENS + tokens[i + order - 1];
        let number = known.get(key);
        if (number === undefined) {
          number = known.size;
          known.set(key, number);
        }
        numbers[i] = number;
      }
      this.totals[order] += count;
      before = numbers;
      added[order] = numbers;
    }
    return added;
  }

  /** Distinct n-grams of an order. */
  size(order: number): number {
    return this.known[order].size;
  }

  /** Distinct n-grams over n-grams; null where there are none. */
  distinct(order: number): number | null {
    return this.totals[order] > 0 ? this.known[order].size / this.totals[order] : null;
  }
}

/** By order: of each text, the numbers of its n-grams. */
export interface NumberedGrams {
  /** [order][text]; order 0 is empty. */
  readonly ofTexts: readonly (readonly Float64Array[])[];
  /** [order]: distinct n-grams. */
  readonly sizes: readonly number[];
}

/** n-grams of the orders 1 to `most` of texts, numbered together. */
export function numberedGrams(texts: readonly ArrayLike<number>[], most: number): NumberedGrams {
  const grams = new NGrams(most);
  const added = texts.map((tokens) => grams.add(tokens));
  const orders = Array.from({ length: most + 1 }, (_, order) => order);
  return {
    ofTexts: orders.map((order) => added.map((one) => one[order])),
    sizes: orders.map((order) => grams.size(order)),
  };
}
