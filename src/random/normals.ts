/**
 * Standard normal numbers at an address, by the hundred million: the noise of Gaussian latents. Four come from one Philox
 * block, by the transform of Box and Muller (1958) from 32 bits for a radius and 32 for an angle. So no number exceeds
 * 6.76, which 1 in 7 · 10¹⁰ should.
 *
 * Number i of an address is number i mod 4 of block i div 4: it does not depend on how many are asked for.
 */
import { type Address, addressWords } from './address.js';
import { philoxInto } from './philox.js';

const TWO_TO_MINUS_32 = 2 ** -32;
const ANGLE = 2 * Math.PI * TWO_TO_MINUS_32;

/** out[i] = the normal number `first + i`. @param first a multiple of 4
 *  @throws DomainError when the address is outside the limits of address.ts */
export function fillNormals(out: Float32Array, address: Address, first = 0, count = out.length): void {
  const { key0, key1, counter1, counter2, counter3 } = addressWords(address);
  let block = first / 4;
  let i = 0;
  for (; i + 4 <= count; i += 4) {
    philoxInto(words, 0, block++, counter1, counter2, counter3, key0, key1);
    pair(out, i, words[0], words[1]);
    pair(out, i + 2, words[2], words[3]);
  }
  if (i === count) return;
  philoxInto(words, 0, block, counter1, counter2, counter3, key0, key1);
  pair(rest, 0, words[0], words[1]);
  pair(rest, 2, words[2], words[3]);
  out.set(rest.subarray(0, count - i), i);
}

const words = new Uint32Array(4);
const rest = new Float32Array(4);

function pair(out: Float32Array, at: number, bits: number, turn: number): void {
  const radius = Math.sqrt(-2 * Math.log((bits + 0.5) * TWO_TO_MINUS_32));
  const angle = turn * ANGLE;
  out[at] = radius * Math.cos(angle);
  out[at + 1] = radius * Math.sin(angle);
}
