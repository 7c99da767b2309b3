/** The exponential moving average of the weights, which is what a trained checkpoint holds. */
import type { Value } from '../graph/graph.js';
import { Add, Mul, Sub } from '../graph/operators.js';

/** average + (1 − decay)·(weights − average). @param left 1 − decay, a scalar */
export const movedAverage = (average: Value, weights: Value, left: Value): Value =>
  Add(average, Mul(Sub(weights, average), left));

/** 1 − decay at step t from 1: early steps forget the start sooner, (1 + t)/(10 + t), as the reference's do. */
export const averageLeft = (decay: number, step: number): number =>
  1 - Math.min(decay, (1 + step) / (10 + step));
