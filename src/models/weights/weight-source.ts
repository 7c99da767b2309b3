/** Where a network's weights come from: drawn at random, or read from a file of published weights. */
import type { WeightBytes } from '../../graph/write.js';
import type { Parameter } from '../architectures/parameters.js';

/** Elements in pieces of any size. Use a piece before requesting the next. */
export type Pieces = Iterable<Float32Array> | AsyncIterable<Float32Array>;

export interface WeightSource {
  /** The elements of a parameter, row by row. */
  (parameter: Parameter): Pieces;
  /** The same matrix by outputs, [out, in], if it can be read so without a transpose; else null. */
  byOutput?(parameter: Parameter): Pieces | null;
}

/** A source as the bytes that write.ts requests by name. */
export function bytesOfSource(parameters: readonly Parameter[], source: WeightSource): WeightBytes {
  const byName = new Map(parameters.map((parameter) => [parameter.name, parameter]));
  return async function* bytes({ name }) {
    const parameter = byName.get(name);
    if (!parameter) throw new RangeError(`the architecture has no parameter "${name}"`);
    for await (const piece of source(parameter)) {
      yield new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength);
    }
  };
}
