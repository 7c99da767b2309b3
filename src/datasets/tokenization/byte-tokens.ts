/** Byte tokens, `<0x00>` to `<0xFF>`, which replace characters that have no token. */

/** Ids by byte; undefined for a byte without one. */
export function byteIds(idOf: (token: string) => number | undefined): (number | undefined)[] {
  return Array.from({ length: 256 }, (_, byte) => idOf(byteToken(byte)));
}

function byteToken(byte: number): string {
  return `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`;
}

/** Ids of a text's bytes; null if a byte has none. */
export function idsOfBytes(text: string, ids: readonly (number | undefined)[]): readonly number[] | null {
  const spelled = Array.from(Buffer.from(text, 'utf8'), (byte) => ids[byte]);
  return spelled.includes(undefined) ? null : (spelled as number[]);
}

/** The byte that a token represents, or null. Rust's number parser also accepts a sign. */
export function byteOfToken(token: string): number | null {
  const digits = /^<0x([0-9a-fA-F]{2}|\+[0-9a-fA-F])>$/.exec(token)?.[1];
  return digits === undefined ? null : Number.parseInt(digits, 16);
}
