/**
 * Operators that do in one kernel what a network otherwise spells out: of newer operator sets, or of the runtime's own
 * (domain `com.microsoft`). Each has a plain form in src/models/architectures, for training, which differentiates; a test
 * holds the two equal.
 */

import type { Value } from './graph.js';
import { float } from './messages.js';

const MICROSOFT = 'com.microsoft';

/** (x − mean)/√(variance + ε) · scale over the last axis (operator set 17). */
export const LayerNormalization = (x: Value, scale: Value, { epsilon = 1e-5 } = {}) =>
  x.graph.node('LayerNormalization', [x, scale], {
    outputs: [x.dtype],
    attributes: { axis: -1, epsilon: float(epsilon) },
  })[0];

/** The tanh approximation of x·Φ(x) at x + bias. */
export const FastGelu = (x: Value, bias: Value) =>
  x.graph.node('FastGelu', [x, bias], { domain: MICROSOFT, outputs: [x.dtype] })[0];

/**
 * Turns pairs (i, i + headSize/2) of each head by the angle of its position (operator set 23).
 * @param x [batch, length, heads · headSize]   @param cos, sin [positions, headSize / 2]
 * @param positions int64 [batch, length]
 */
export const RotaryEmbedding = (
  x: Value,
  cos: Value,
  sin: Value,
  positions: Value,
  { heads }: { heads: number },
) =>
  x.graph.node('RotaryEmbedding', [x, cos, sin, positions], {
    outputs: [x.dtype],
    attributes: { num_heads: heads },
  })[0];

/**
 * softmax(q kᵀ/√headSize) v by heads; tile by tile, so that no score matrix is ever whole, where the provider can.
 * @param query, key, value [batch, length, heads · headSize]
 */
export const MultiHeadAttention = (
  query: Value,
  key: Value,
  value: Value,
  { heads, unidirectional = false }: { heads: number; unidirectional?: boolean },
) =>
  query.graph.node('MultiHeadAttention', [query, key, value], {
    domain: MICROSOFT,
    outputs: [query.dtype],
    attributes: { num_heads: heads, unidirectional: Number(unidirectional) },
  })[0];
