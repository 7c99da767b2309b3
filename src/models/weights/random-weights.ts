/**
 * Weights a network starts from, drawn from their distributions. A weight's numbers are a function of the seed and its
 * name: the same whatever else the network holds, and in whatever order it is asked for.
 */
import { createHash } from 'node:crypto';
import { streams } from '../../random/streams.js';
import { fillUniforms } from '../../random/uniforms.js';
import type { Parameter } from '../architectures/parameters.js';
import { elementCount } from '../architectures/parameters.js';
import type { WeightSource } from './weight-source.js';

/** Elements drawn at a time. */
const PIECE = 1 << 18;

export interface RandomWeightsOptions {
  seed: number;
  /** Layers that training starts at 0 are 0; otherwise drawn too, so that the output depends on every weight. */
  zeroed: boolean;
}

/** @throws DomainError `random-address` when the seed is no integer from 0 to 2^53 − 1 */
export function randomWeights({ seed, zeroed }: RandomWeightsOptions): WeightSource {
  return function* elements(parameter) {
    const count = elementCount(parameter);
    if ('value' in parameter.initial || (zeroed && parameter.startsAtZero)) {
      const value = 'value' in parameter.initial ? parameter.initial.value : 0;
      for (let first = 0; first < count; first += PIECE) {
        yield new Float32Array(Math.min(PIECE, count - first)).fill(value);
      }
      return;
    }
    const { bound } = parameter.initial;
    const address = { seed, stream: streams.initialWeight, sequence: nameHash(parameter), step: 0 };
    const uniforms = new Float64Array(Math.min(PIECE, count));
    const elements = new Float32Array(uniforms.length); // the same for every piece
    for (let first = 0; first < count; first += PIECE) {
      const size = Math.min(PIECE, count - first);
      fillUniforms(uniforms.subarray(0, size), address, first);
      for (let i = 0; i < size; i++) elements[i] = bound * (2 * uniforms[i] - 1);
      yield elements.subarray(0, size);
    }
  };
}

/** 48 bits of the name: the place of the weight's numbers in the stream. */
function nameHash({ name }: Parameter): number {
  return createHash('sha256').update(name).digest().readUIntBE(0, 6);
}
