/**
 * Which sequences a step reads: each once per pass over the text, every pass in another order. A function of seed and step, so a
 * resumed run reads the same sequences as an unbroken one.
 */
import { permutation } from '../random/permutation.js';
import { streams } from '../random/streams.js';

/** @param sequences in the text   @param step from 1   @returns indices of sequences, [batch] */
export function sequencesOfStep(seed: number, sequences: number, batch: number, step: number): number[] {
  const orders = new Map<number, (index: number) => number>();
  return Array.from({ length: batch }, (_, b) => {
    const read = (step - 1) * batch + b;
    const pass = Math.floor(read / sequences);
    const order =
      orders.get(pass) ??
      permutation(sequences, { seed, stream: streams.trainingOrder, sequence: pass, step: 0 });
    orders.set(pass, order);
    return order(read % sequences);
  });
}
