/**
 * Philox4x32-10, the counter-based generator (Salmon, Moraes, Dror, Shaw, «Parallel random numbers: as easy as 1, 2, 3»,
 * SC 2011): 128 bits of counter and 64 bits of key give 128 random bits, without state. The same address always gives the same
 * bits.
 *
 * Not responsible for what the counter means (address.ts) or for floating point (uniforms.ts).
 */
export type Words4 = [number, number, number, number];

const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
/** Key increments: 2^32 over the golden ratio, and √3 − 1 in 32 bits. */
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;
const ROUNDS = 10;

/** The ten rounds on four 32-bit counter words (any integers; their low 32 bits count) and two key words.
 *  @returns four unsigned 32-bit integers */
export function philox4x32(counter: Readonly<Words4>, key: readonly [number, number]): Words4 {
  const out = new Uint32Array(4);
  philoxInto(out, 0, counter[0], counter[1], counter[2], counter[3], key[0], key[1]);
  return [out[0], out[1], out[2], out[3]];
}

/** The same, written to `out[at … at + 3]`: no allocation, for the inner loops. */
export function philoxInto(
  out: Uint32Array,
  at: number,
  counter0: number,
  counter1: number,
  counter2: number,
  counter3: number,
  key0: number,
  key1: number,
): void {
  let c0 = counter0 | 0;
  let c1 = counter1 | 0;
  let c2 = counter2 | 0;
  let c3 = counter3 | 0;
  let k0 = key0 | 0;
  let k1 = key1 | 0;
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = multiplyHigh(c0, MULTIPLIER_0 & 0xffff, MULTIPLIER_0 >>> 16);
    const low0 = Math.imul(c0, MULTIPLIER_0);
    const high1 = multiplyHigh(c2, MULTIPLIER_1 & 0xffff, MULTIPLIER_1 >>> 16);
    const low1 = Math.imul(c2, MULTIPLIER_1);
    c0 = high1 ^ c1 ^ k0;
    c1 = low1;
    c2 = high0 ^ c3 ^ k1;
    c3 = low0;
    k0 = (k0 + WEYL_0) | 0;
    k1 = (k1 + WEYL_1) | 0;
  }
  out[at] = c0;
  out[at + 1] = c1;
  out[at + 2] = c2;
  out[at + 3] = c3;
}

/** High 32 bits of a 32 × 32-bit product, from four 16 × 16-bit ones. No partial sum passes 2^32: (2^16 − 1)² + 2^16 − 1
 *  is 2^32 − 2^16. Integers throughout; the way through doubles takes half as long again. */
function multiplyHigh(a: number, bLow: number, bHigh: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const cross = (Math.imul(aHigh, bLow) + (Math.imul(aLow, bLow) >>> 16)) | 0;
  const middle = (Math.imul(aLow, bHigh) + (cross & 0xffff)) | 0;
  return (Math.imul(aHigh, bHigh) + (cross >>> 16) + (middle >>> 16)) | 0;
}
