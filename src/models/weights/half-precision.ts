/**
 * Conversion between float32 and 16-bit floats, for which JavaScript has no arrays. Decoding is exact; encoding rounds to the
 * nearest, ties to even.
 */

const words = new Uint32Array(1);
const floats = new Float32Array(words.buffer);

/** Every float16 as a float32: 256 KiB, made when first needed. */
let table: Float32Array | null = null;

function float16Table(): Float32Array {
  if (table) return table;
  table = new Float32Array(65_536);
  for (let bits = 0; bits < table.length; bits++) {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    table[bits] =
      exponent === 31
        ? fraction
          ? Number.NaN
          : sign * Number.POSITIVE_INFINITY
        : exponent === 0
          ? sign * fraction * 2 ** -24
          : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }
  return table;
}

/** IEEE 754 binary16. @param bits little-endian pairs read as they are   @param into as long as `bits` */
export function decodeFloat16(bits: Uint16Array, into: Float32Array): void {
  const values = float16Table();
  for (let i = 0; i < bits.length; i++) into[i] = values[bits[i]];
}

/** The upper half of a float32. */
export function decodeBfloat16(bits: Uint16Array, into: Float32Array): void {
  const raw = new Uint32Array(into.buffer, into.byteOffset, bits.length);
  for (let i = 0; i < bits.length; i++) raw[i] = bits[i] << 16;
}

/** @returns the bits of each; values that are too large become infinity, which the caller must check */
export function encodeFloat16(values: Float32Array, into: Uint16Array): void {
  for (let i = 0; i < values.length; i++) into[i] = float16Bits(values[i]);
}

/** The largest float16. */
export const LARGEST_FLOAT16 = 65_504;

function float16Bits(value: number): number {
  floats[0] = value;
  const bits = words[0];
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude >= 0x47800000) return sign | (magnitude > 0x7f800000 ? 0x7e00 : 0x7c00);
  if (magnitude >= 0x38800000) {
    // Normal: 13 bits are dropped; a carry runs into the exponent, as it should.
    const rest = magnitude & 0x1fff;
    const kept = (magnitude - 0x38000000) >>> 13;
    return sign | (kept + Number(rest > 0x1000 || (rest === 0x1000 && (kept & 1) === 1)));
  }
  // Subnormal: a multiple of 2^-24.
  const scaled = Math.abs(value) * 2 ** 24;
  const floor = Math.floor(scaled);
  const rest = scaled - floor;
  return sign | (floor + Number(rest > 0.5 || (rest === 0.5 && (floor & 1) === 1)));
}
