/**
 * Uniform doubles at an address. Each takes 64 random bits (two words): 53 for [0, 1), 52 and a half step for (0, 1).
 * Position p of an address is word pair p mod 2 of block p div 2, so a number does not depend on how many are drawn.
 */
import { type Address, addressWords, type Words } from './address.js';
import { philoxInto } from './philox.js';

const TWO_TO_26 = 2 ** 26;
const TWO_TO_MINUS_53 = 2 ** -53;

/** out[i] = the uniform of [0, 1) at position `first + i`. About 25 ns per number.
 *  @throws DomainError when the address is outside the limits of address.ts */
export function fillUniforms(out: Float64Array, address: Address, first = 0): void {
  fill(out, addressWords(address), first, 0);
}

/** The same on the open interval (0, 1): for logarithms and inverse distribution functions. */
export function fillOpenUniforms(out: Float64Array, address: Address, first = 0): void {
  fill(out, addressWords(address), first, 1);
}

/** One uniform of [0, 1): what fillUniforms writes at `position`. */
export function uniform(address: Address, position = 0): number {
  fill(single, addressWords(address), position, 0);
  return single[0];
}

const single = new Float64Array(1);
const words = new Uint32Array(4);

/** @param lowestBit 0 for [0, 1); 1 makes the 53-bit numerator odd, which excludes 0 and is symmetric about 1/2 */
function fill(
  out: Float64Array,
  { key0, key1, counter1, counter2, counter3 }: Words,
  first: number,
  lowestBit: 0 | 1,
) {
  let block = Math.floor(first / 2);
  let i = 0;
  if (first % 2 === 1 && out.length > 0) {
    philoxInto(words, 0, block++, counter1, counter2, counter3, key0, key1);
    out[i++] = double(words[2], words[3], lowestBit);
  }
  for (; i + 1 < out.length; i += 2) {
    philoxInto(words, 0, block++, counter1, counter2, counter3, key0, key1);
    out[i] = double(words[0], words[1], lowestBit);
    out[i + 1] = double(words[2], words[3], lowestBit);
  }
  if (i < out.length) {
    philoxInto(words, 0, block, counter1, counter2, counter3, key0, key1);
    out[i] = double(words[0], words[1], lowestBit);
  }
}

/** 27 bits of `high` above 26 bits of `low`, as a fraction. */
function double(high: number, low: number, lowestBit: 0 | 1): number {
  return ((high >>> 5) * TWO_TO_26 + ((low >>> 6) | lowestBit)) * TWO_TO_MINUS_53;
}

const TWO_TO_24 = 2 ** 24;

/** A number's first 24 bits and its next 24, as two numbers of [0, 1) that float32 holds. */
export function splitUniforms(uniforms: Float64Array): { coarse: Float32Array; fine: Float32Array } {
  const coarse = new Float32Array(uniforms.length);
  const fine = new Float32Array(uniforms.length);
  for (const [i, u] of uniforms.entries()) {
    const first = Math.floor(u * TWO_TO_24);
    coarse[i] = first / TWO_TO_24;
    fine[i] = Math.floor((u * TWO_TO_24 - first) * TWO_TO_24) / TWO_TO_24;
  }
  return { coarse, fine };
}
