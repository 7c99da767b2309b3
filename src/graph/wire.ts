/** Protobuf's wire format, read or written by hand where the whole message would not fit in memory. */

/** A non-negative integer in base 128, least significant digits first. */
export function varintBytes(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
  return bytes;
}

/** The header of a field of `length` bytes: its number with wire type 2, and its length. */
export function lengthDelimited(field: number, length: number): Uint8Array {
  return Uint8Array.from([...varintBytes(field * 8 + 2), ...varintBytes(length)]);
}
