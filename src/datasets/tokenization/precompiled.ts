/**
 * SentencePiece's compiled normalization rules: a trie of texts to replace (a double array in Darts' format) and their
 * replacements. As in the reference, the shortest matching rule applies to each grapheme of less than six bytes, and
 * otherwise to each of its characters.
 */
import { UnusableTokenizer } from './part.js';
import { checkGrowth } from './patterns.js';

export class Precompiled {
  private readonly units: Uint32Array;
  private readonly texts: Buffer;
  private readonly segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });

  /** @param map bytes of the trie as uint32 little-endian, the trie, the texts, each ended by a zero byte */
  constructor(map: Buffer) {
    const size = map.length >= 4 ? map.readUInt32LE(0) : 0;
    if (size === 0 || size % 4 !== 0 || 4 + size > map.length)
      throw new UnusableTokenizer('the character map of its normalizer "Precompiled" is cut short');
    this.units = Uint32Array.from({ length: size / 4 }, (_, i) => map.readUInt32LE(4 + 4 * i));
    this.texts = map.subarray(4 + size);
  }

  normalize(text: string): string {
    let result = '';
    for (const piece of text.split(BETWEEN_GRAPHEMES)) {
      if (piece.length < 2) result += this.replacementOf(piece) ?? piece;
      else for (const { segment } of this.segmenter.segment(piece)) result += this.ofGrapheme(segment);
      checkGrowth(text, result);
    }
    return result;
  }

  private ofGrapheme(grapheme: string): string {
    if (Buffer.byteLength(grapheme) < 6) {
      const whole = this.replacementOf(grapheme);
      if (whole !== null) return whole;
    }
    let result = '';
    for (const character of grapheme) result += this.replacementOf(character) ?? character;
    return result;
  }

  /** Replacement of the shortest prefix that has one; null if none has. */
  private replacementOf(piece: string): string | null {
    const { units } = this;
    let node = offsetOf(units[0]);
    for (const byte of Buffer.from(piece, 'utf8')) {
      if (byte === 0) return null;
      node ^= byte;
      const unit = units[node];
      if (unit === undefined || (unit & 0x800000ff) !== byte) return null;
      node ^= offsetOf(unit);
      if ((unit >>> 8) & 1) return this.textAt((units[node] ?? 0) & 0x7fffffff);
    }
    return null;
  }

  private textAt(start: number): string {
    const end = this.texts.indexOf(0, start);
    return this.texts.toString('utf8', start, end < 0 ? this.texts.length : end);
  }
}

/** Relative offset of a double-array unit's children. */
function offsetOf(unit: number): number {
  return (unit >>> 10) << ((unit & 0x200) >>> 6);
}

/** Two ASCII characters are two graphemes, except \r\n; segmenting the rest is slow. */
const BETWEEN_GRAPHEMES = /(?<=[\0-\x7f])(?=[\0-\x7f])(?<!\r(?=\n))/;
