/**
 * Standard normal numbers at an address, in large amounts: the noise of Gaussian latents. Philox, at 50 ns per block of four
 * words, would take longer than many a network, so it only seeds a small generator for every 1024 numbers (sfc32 of
 * C. Doty-Humphrey's PractRand, which passes its tests). A number is a function of address and position alone.
 *
 * 64 bits make two numbers by the transform of Box and Muller (1958), 32 bits for the radius and 32 for the angle. None exceeds
 * 6.76, though 1 in 7 · 10¹⁰ should. Logarithm, sine and cosine come from tables of 1024 entries, corrected by series to 1e-9.
 */
import { type Address, addressWords } from './address.js';
import { philoxInto } from './philox.js';

/** Numbers per seed. Positions start at multiples of it. */
export const NORMALS_RUN = 1024;
const WARM_UP = 12;

const PLACES = 1024;
const PLACE_BITS = 22; // 32 bits less ten
const TURN = (2 * Math.PI) / 2 ** 32;
const cosines = Float64Array.from({ length: PLACES }, (_, i) => Math.cos(((i + 0.5) / PLACES) * 2 * Math.PI));
const sines = Float64Array.from({ length: PLACES }, (_, i) => Math.sin(((i + 0.5) / PLACES) * 2 * Math.PI));
/** For the midpoint of part i of [1, 2): its inverse, and its ln. */
const inverses = Float64Array.from({ length: PLACES }, (_, i) => 1 / (1 + (i + 0.5) / PLACES));
const logarithms = Float64Array.from(inverses, (inverse) => -Math.log(inverse));
/** Factor that brings a word with this many leading zeros into [1, 2). */
const scales = Float64Array.from({ length: 32 }, (_, zeros) => 2 ** (zeros - 31));

/** out[i] = the normal number `first + i`, i below `count`. @param first a multiple of 1024
 *  @throws DomainError when the address is outside the limits of address.ts */
export function fillNormals(out: Float32Array, address: Address, first = 0, count = out.length): void {
  const { key0, key1, counter1, counter2, counter3 } = addressWords(address);
  for (let from = 0; from < count; from += NORMALS_RUN) {
    philoxInto(words, 0, (first + from) / NORMALS_RUN, counter1, counter2, counter3, key0, key1);
    fillRun(out, from, Math.min(count, from + NORMALS_RUN));
  }
}

const words = new Uint32Array(4);

function fillRun(out: Float32Array, from: number, to: number): void {
  let a = words[0] | 0;
  let b = words[1] | 0;
  let c = words[2] | 0;
  let counter = words[3] | 0;
  for (let i = from - 2 * WARM_UP; i < to; i += 2) {
    let sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    const bits = sum >>> 0;
    sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    if (i < from) continue;
    const radius = Math.sqrt(-2 * logOfShare(bits));
    // The angle, (sum + ½)/2³² of a turn: an entry of the table, and the difference from its midpoint.
    const place = sum >>> PLACE_BITS;
    const rest = ((sum & (2 ** PLACE_BITS - 1)) - 2 ** (PLACE_BITS - 1) + 0.5) * TURN;
    const cosine = 1 - (rest * rest) / 2;
    const sine = rest * (1 - (rest * rest) / 6);
    out[i] = radius * (cosines[place] * cosine - sines[place] * sine);
    if (i + 1 < to) out[i + 1] = radius * (sines[place] * cosine + cosines[place] * sine);
  }
}

/** ln((bits + ½)/2³²). */
export function logOfShare(bits: number): number {
  if (bits < 2 ** PLACE_BITS) return Math.log((bits + 0.5) * 2 ** -32); // one in a thousand
  const zeros = Math.clz32(bits);
  const mantissa = (bits + 0.5) * scales[zeros];
  const place = ((mantissa - 1) * PLACES) | 0;
  const r = mantissa * inverses[place] - 1;
  return logarithms[place] + r * (1 - r * (1 / 2 - r * (1 / 3))) - (zeros + 1) * Math.LN2;
}
