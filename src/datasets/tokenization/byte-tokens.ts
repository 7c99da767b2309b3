/** Tokens that stand for one byte, `<0x00>` to `<0xFF>`, which take the place of characters that have none. */

/** Ids by byte; undefined where a byte has none. */
export function byteIds(idOf: (token: string) => number | undefined): (number | undefined)[] {
  return Array.from({ length: 256 }, (_, byte) => idOf(byteToken(byte)));
}

function byteToken(byte: number): string {
  return `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`;
}

/** Ids of a text's bytes; null where a byte has none. */
export function spelledInByteTokens(
  text: string,
  ids: readonly (number | undefined)[],
): readonly number[] | null {
  const spelled = Array.from(Buffer.from(text, 'utf8'), (byte) => ids[byte]);
  return spelled.includes(undefined) ? null : (spelled as number[]);
}

/** The byte that a token stands for, or null. Rust's reader of numbers takes a sign as well. */
export function byteOfToken(token: string): number | null {
  const digits = /^<0x([0-9a-fA-F]{2}|\+[0-9a-fA-F])>$/.exec(token)?.[1];
  return digits === undefined ? null : Number.parseInt(digits, 16);
}
