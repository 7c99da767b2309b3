/**
 * Initial weights, drawn from their distributions. The numbers of a weight are a function of the seed and its name alone,
 * not of the rest of the network or the order of requests.
 */
import { createHash } from 'node:crypto';
import { streams } from '../../random/streams.js';
import { fillUniforms } from '../../random/uniforms.js';
import type { Parameter } from '../architectures/parameters.js';
import { elementCount } from '../architectures/parameters.js';
import type { WeightSource } from './weight-source.js';

/** Maximum number of elements drawn at a time; always whole rows of a matrix. */
const PIECE = 1 << 18;

export interface RandomWeightsOptions {
  seed: number;
  /** True: layers that training initialises to 0 are 0. False: they are drawn too, so that the output depends on every weight. */
  zeroed: boolean;
}

/** @throws DomainError `random-address` when the seed is no integer from 0 to 2^53 − 1 */
export function randomWeights({ seed, zeroed }: RandomWeightsOptions): WeightSource {
  return function* elements(parameter) {
    const count = elementCount(parameter);
    const { drawn, bound, otherwise } = start(parameter, zeroed);
    const address = { seed, stream: streams.initialWeight, sequence: nameHash(parameter), step: 0 };
    const uniforms = new Float64Array(Math.min(PIECE, drawn));
    const elements = new Float32Array(Math.min(PIECE, count)); // the same for every piece
    const width = parameter.dims.at(-1) ?? 1;
    const piece = width < PIECE ? PIECE - (PIECE % width) : PIECE;
    for (let first = 0; first < count; first += piece) {
      const size = Math.min(piece, count - first);
      const drawnHere = Math.max(0, Math.min(size, drawn - first));
      fillUniforms(uniforms.subarray(0, drawnHere), address, first);
      for (let i = 0; i < drawnHere; i++) elements[i] = bound * (2 * uniforms[i] - 1);
      const rows = elements.fill(otherwise, drawnHere, size).subarray(0, size);
      if (zeroed) parameter.adapt?.(rows, first / width);
      yield rows;
    }
  };
}

/** The first `drawn` elements are uniform on (−bound, bound), the others one value. */
function start(parameter: Parameter, zeroed: boolean): { drawn: number; bound: number; otherwise: number } {
  const { initial, startsAtZero, exceptFirst } = parameter;
  if ('value' in initial) return { drawn: 0, bound: 0, otherwise: initial.value };
  if (!zeroed || !startsAtZero) return { drawn: elementCount(parameter), bound: initial.bound, otherwise: 0 };
  return { drawn: exceptFirst?.count ?? 0, bound: exceptFirst?.bound ?? 0, otherwise: 0 };
}

/** A 48-bit hash of the name: the position of the weight's numbers in the stream. */
function nameHash({ name }: Parameter): number {
  return createHash('sha256').update(name).digest().readUIntBE(0, 6);
}
