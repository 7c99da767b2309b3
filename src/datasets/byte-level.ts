/**
 * Byte-level vocabularies (GPT-2's): each token is a run of bytes, written with one printable character per byte.
 * This class keeps the bytes of every token. So decoding is copying, a character cut by the edge of a sequence becomes
 * U+FFFD as in the Rust implementation, and the length of a text needs no decoding.
 */
import { isUtf8 } from 'node:buffer';
import { checkDecodedLength } from './tokenization/part.js';

export class ByteLevelVocabulary {
  /** Bytes of all tokens, concatenated; token `id` runs from `starts[id]` to `starts[id + 1]`. */
  private readonly bytes: Buffer;
  private readonly starts: Uint32Array;

  /** @param tokens by id; a hole is an id without a token */
  constructor(tokens: readonly (string | undefined)[]) {
    this.starts = new Uint32Array(tokens.length + 1);
    // A UTF-16 code unit takes at most three bytes of UTF-8.
    const bytes = Buffer.alloc(3 * tokens.reduce((sum, token) => sum + (token?.length ?? 0), 0));
    let end = 0;
    for (let id = 0; id < tokens.length; id++) {
      end += writeToken(tokens[id] ?? '', bytes, end);
      this.starts[id + 1] = end;
    }
    this.bytes = Buffer.from(bytes.subarray(0, end));
  }

  /** Text of `ids`; ids without a token are skipped. @throws TokenizationFailure */
  decode(ids: ArrayLike<number>): string {
    return this.concatenate(ids).toString('utf8');
  }

  /** UTF-8 bytes of {@link decode}'s text: a cut character counts as the three bytes of U+FFFD. */
  byteLength(ids: ArrayLike<number>): number {
    const bytes = this.concatenate(ids);
    return isUtf8(bytes) ? bytes.length : Buffer.byteLength(bytes.toString('utf8'));
  }

  private concatenate(ids: ArrayLike<number>): Buffer {
    let length = 0;
    for (let i = 0; i < ids.length; i++) length += this.end(ids[i]) - this.start(ids[i]);
    checkDecodedLength(length);
    const all = Buffer.allocUnsafe(length);
    for (let i = 0, at = 0; i < ids.length; i++) {
      const end = this.end(ids[i]);
      for (let from = this.start(ids[i]); from < end; from++) all[at++] = this.bytes[from];
    }
    return all;
  }

  private start(id: number): number {
    return this.starts[id] ?? 0;
  }

  private end(id: number): number {
    return this.starts[id + 1] ?? this.start(id);
  }
}

/**
 * A token with a character that stands for no byte (an added token, say) is text: its own UTF-8 bytes.
 * @returns the number of bytes written
 */
function writeToken(token: string, into: Buffer, at: number): number {
  for (let i = 0; i < token.length; i++) {
    const byte = BYTE_OF_CHARACTER[token.charCodeAt(i)] ?? NO_BYTE;
    if (byte === NO_BYTE) return into.write(token, at, 'utf8');
    into[at + i] = byte;
  }
  return token.length;
}

/** Each byte of a text's UTF-8 as its character. */
export function charactersOfBytes(text: string): string {
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.length > 256) {
    // UTF-16, two bytes per character: a string that grows by one character at a time would take many times as much.
    const units = Uint16Array.from(bytes, (byte) => CHARACTERS[byte]);
    return Buffer.from(units.buffer).toString('utf16le');
  }
  let spelled = '';
  for (const byte of bytes) spelled += SPELLED[byte];
  return spelled;
}

/** The bytes of one token. */
export function bytesOfToken(token: string): Buffer {
  const bytes = Buffer.allocUnsafe(3 * token.length);
  return bytes.subarray(0, writeToken(token, bytes, 0));
}

const NO_BYTE = -1;

/** GPT-2's table: printable Latin-1 stands for itself; the other 68 bytes become U+0100, U+0101, … in order. */
const CHARACTERS: readonly number[] = (() => {
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
    return printable ? byte : next++;
  });
})();

const BYTE_OF_CHARACTER: Int16Array = (() => {
  const table = new Int16Array(256 + 68).fill(NO_BYTE);
  for (const [byte, character] of CHARACTERS.entries()) table[character] = byte;
  return table;
})();

const SPELLED: readonly string[] = CHARACTERS.map((character) => String.fromCharCode(character));

/** The character that a byte, 0 to 255, is written as. */
export function characterOfByte(byte: number): string {
  return SPELLED[byte];
}
