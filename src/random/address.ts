/**
 * The address of a random number: (seed, stream, sequence, step, position). A number is a function of its address alone, not of
 * the batch, the thread or the order of evaluation, so a run can be repeated bit for bit and split in any way.
 *
 * Every address within the limits has its own counter and key bits:
 *
 *   key      word 0   seed, low 32 bits
 *            word 1   seed, high 21 bits                      seed < 2^53 (an integer a double holds exactly)
 *   counter  word 0   position >> 1                           position < 2^33; a block is two 53-bit uniforms
 *            word 1   sequence, low 32 bits
 *            word 2   step                                    step < 2^32: the draw, or the sampler's step
 *            word 3   stream << 16 | sequence, high 16 bits   stream < 2^16, sequence < 2^48
 */
import { DomainError } from '../errors.js';

export interface Address {
  /** An integer in [0, 2^53). */
  seed: number;
  /** The purpose (streams.ts): numbers for different purposes are independent. In [0, 2^16). */
  stream: number;
  /** The sequence's index in the data set, or the sample's in the run. In [0, 2^48). */
  sequence: number;
  /** The draw of an evaluation or the step of a sampler. In [0, 2^32). */
  step: number;
}

/** The counter and key words of an address, at block 0. */
export interface Words {
  key0: number;
  key1: number;
  counter1: number;
  counter2: number;
  counter3: number;
}

const TWO_TO_32 = 2 ** 32;

/** @throws DomainError when a part is not an integer within its limits */
export function addressWords({ seed, stream, sequence, step }: Address): Words {
  check('seed', seed, 2 ** 53);
  check('stream', stream, 2 ** 16);
  check('sequence', sequence, 2 ** 48);
  check('step', step, TWO_TO_32);
  return {
    key0: seed >>> 0,
    key1: Math.floor(seed / TWO_TO_32),
    counter1: sequence >>> 0,
    counter2: step,
    counter3: stream * 2 ** 16 + Math.floor(sequence / TWO_TO_32),
  };
}

function check(name: string, value: number, limit: number): void {
  if (!Number.isInteger(value) || value < 0 || value >= limit) {
    throw new DomainError({
      code: 'random-address',
      message: `The ${name} of a random number must be an integer from 0 to ${limit - 1}, not ${value}.`,
      hint: name === 'seed' ? 'Give --seed such an integer.' : undefined,
    });
  }
}
