/**
 * A keyed pseudo-random permutation of 0 … size − 1, one image at a time and without memory: a Feistel cipher on the smallest even
 * number of bits that holds the size, applied repeatedly until the image is in range (Black and Rogaway, «Ciphers with
 * arbitrary finite domains», 2002). A million sequences need no table, and the image of i does not depend on other calls.
 *
 * Good enough to spread points evenly; for a handful of elements not every permutation can occur.
 */
import { type Address, addressWords } from './address.js';
import { philoxInto } from './philox.js';

const ROUNDS = 6;
/** How many steps of an address one permutation uses. */
export const stepsPerPermutation = ROUNDS;

/** @param size in [1, 2^52]   @param address its step must be free for `stepsPerPermutation` steps */
export function permutation(size: number, address: Address): (index: number) => number {
  let halfBits = 1;
  while (4 ** halfBits < size) halfBits++;
  const half = 2 ** halfBits;
  const { key0, key1, counter1, counter2, counter3 } = addressWords(address);
  const words = new Uint32Array(4);

  const encipher = (value: number) => {
    let left = Math.floor(value / half);
    let right = value % half;
    for (let round = 0; round < ROUNDS; round++) {
      philoxInto(words, 0, right, counter1, counter2 + round, counter3, key0, key1);
      [left, right] = [right, (left ^ words[0]) & (half - 1)];
    }
    return left * half + right;
  };
  return (index) => {
    let image = encipher(index);
    while (image >= size) image = encipher(image);
    return image;
  };
}
