/** The weights that the oracles' files state by formula. */
import { elementCount, type Parameter } from '../../src/models/architectures/parameters.js';

/** h/2^32 − 1/2 for elements 0 … count − 1 of the p-th parameter. */
export function hashed(count: number, p: number): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => {
    let h = (i + 1 + 1000003 * p) >>> 0;
    h = Math.imul(h, 2654435761) >>> 0;
    h = (h ^ (h >>> 15)) >>> 0;
    h = Math.imul(h, 2246822519) >>> 0;
    h = (h ^ (h >>> 13)) >>> 0;
    return h / 2 ** 32 - 0.5;
  });
}

export function oracleWeight(parameter: Parameter, p: number): Float32Array {
  const offset = /norm/.test(parameter.name) ? 1 : 0;
  return Float32Array.from(hashed(elementCount(parameter), p), (h) => offset + 0.6 * h);
}
