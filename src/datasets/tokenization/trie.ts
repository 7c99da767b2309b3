import { UnusableTokenizer } from './part.js';

/** Some 50 bytes each. The largest published vocabulary, of a million tokens, needs half as many. */
const MOST_NODES = 2 ** 23;

/** Tokens by their characters: all that stand at a place of a text are found in one pass. */
export class Trie {
  /** An edge is found by the number of its node and its character. */
  private readonly edges = new Map<number, number>();
  /** Id of the token that ends at a node, or −1. */
  private readonly ends: number[] = [-1];

  /** @throws UnusableTokenizer */
  add(token: string, id: number): void {
    let node = 0;
    for (const character of token) {
      const edge = edgeOf(node, character.codePointAt(0)!);
      let next = this.edges.get(edge);
      if (next === undefined) {
        next = this.ends.push(-1) - 1;
        if (next > MOST_NODES) throw new UnusableTokenizer('its tokens are too long, all together');
        this.edges.set(edge, next);
      }
      node = next;
    }
    this.ends[node] = id;
  }

  /** Where a token begins that starts with `prefix`; null where none does. */
  after(prefix: string): number | null {
    let node: number | undefined = 0;
    for (const character of prefix) {
      node = this.edges.get(edgeOf(node, character.codePointAt(0)!));
      if (node === undefined) return null;
    }
    return node;
  }

  /**
   * Every token that stands at `start`, from short to long; not the empty one.
   * @param from a node of {@link after}: what it begins with need not stand there   @returns the number of characters looked at
   */
  tokensAt(word: string, start: number, found: (end: number, id: number) => void, from = 0): number {
    let node: number | undefined = from;
    let looked = 0;
    for (let at = start; at < word.length; ) {
      const character: number = word.codePointAt(at)!;
      looked++;
      node = this.edges.get(edgeOf(node, character));
      if (node === undefined) break;
      at += character > 0xffff ? 2 : 1;
      if (this.ends[node] >= 0) found(at, this.ends[node]);
    }
    return looked;
  }
}

const edgeOf = (node: number, character: number) => node * 0x110000 + character;
