/**
 * Operators that need one kernel where the plain form needs many: from newer operator sets, or the runtime's own (domain
 * `com.microsoft`). Each also has a plain form in src/models/architectures; a test checks that the two agree.
 */

import type { Value } from './graph.js';
import { float } from './messages.js';

const MICROSOFT = 'com.microsoft';

/** (x − mean)/√(variance + ε) · scale + bias over the last axis (operator set 17). */
export const LayerNormalization = (
  x: Value,
  scale: Value,
  { epsilon = 1e-5, bias = null }: { epsilon?: number; bias?: Value | null } = {},
) =>
  x.graph.node('LayerNormalization', bias ? [x, scale, bias] : [x, scale], {
    outputs: [x.dtype],
    attributes: { axis: -1, epsilon: float(epsilon) },
  })[0];

/**
 * softmax(q kᵀ/√headSize + bias) v per head, with keys and values after cached ones, of which each head serves several heads of
 * queries (operator set 23).
 * @param query, key, value [batch, new, heads · headSize], key and value with fewer heads   @param bias [batch, 1, new, past + new]
 * @param pastKey, pastValue [batch, keyValueHeads, past, headSize]
 */
export const Attention = (
  { query, key, value }: { query: Value; key: Value; value: Value },
  { bias, pastKey, pastValue }: { bias: Value; pastKey: Value; pastValue: Value },
  { heads, keyValueHeads }: { heads: number; keyValueHeads: number },
) =>
  query.graph.node('Attention', [query, key, value, bias, pastKey, pastValue], {
    outputs: [query.dtype, query.dtype, query.dtype],
    attributes: { q_num_heads: heads, kv_num_heads: keyValueHeads },
  })[0];

/** x/√(mean of x² + ε) · scale over the last axis (operator set 23). */
export const RMSNormalization = (x: Value, scale: Value, { epsilon }: { epsilon: number }) =>
  x.graph.node('RMSNormalization', [x, scale], {
    outputs: [x.dtype],
    attributes: { axis: -1, epsilon: float(epsilon) },
  })[0];

/** x·Φ(x), or its tanh approximation (operator set 20). */
export const Gelu = (x: Value, { approximate }: { approximate: 'none' | 'tanh' }) =>
  x.graph.node('Gelu', [x], { outputs: [x.dtype], attributes: { approximate } })[0];

/** The tanh approximation of x·Φ(x) at x + bias. */
export const FastGelu = (x: Value, bias: Value) =>
  x.graph.node('FastGelu', [x, bias], { domain: MICROSOFT, outputs: [x.dtype] })[0];

/**
 * Rotates the pairs (i, i + headSize/2) of each head by the angle of its position (operator set 23).
 * @param x [batch, length, heads · headSize]   @param cos, sin [positions, headSize / 2]
 * @param positions int64 [batch, length]
 * @param turned coordinates of each head that turn, its first ones; 0: all
 */
export const RotaryEmbedding = (
  x: Value,
  cos: Value,
  sin: Value,
  positions: Value,
  { heads, turned = 0 }: { heads: number; turned?: number },
) =>
  x.graph.node('RotaryEmbedding', [x, cos, sin, positions], {
    outputs: [x.dtype],
    attributes: { num_heads: heads, rotary_embedding_dim: turned || undefined },
  })[0];

/**
 * softmax(q kᵀ/√headSize) v per head; tile by tile if the provider supports it, so that no whole score matrix exists.
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

/** What the runtime needs of a matrix in blocks of 4 bits (src/models/weights/four-bits.ts): codes, scales, zero points. */
export interface BlockMatrix {
  codes: Value;
  scales: Value;
  /** Null: 8 everywhere. */
  zeros: Value | null;
  outputs: number;
  inputs: number;
  block: number;
}

/**
 * x·Wᵀ for a matrix in blocks of 4 bits, which is widened tile by tile inside the kernel. Sums are of float32 numbers
 * (accuracy level 1); level 4, which rounds x to int8 as well, is integer-product.ts.
 * @param x [..., inputs]   @returns [..., outputs]
 */
export const MatMulNBits = (x: Value, { codes, scales, zeros, outputs, inputs, block }: BlockMatrix) =>
  x.graph.node('MatMulNBits', [x, codes, scales, ...(zeros ? [zeros] : [])], {
    domain: MICROSOFT,
    outputs: [x.dtype],
    attributes: { K: inputs, N: outputs, bits: 4, block_size: block, accuracy_level: 1 },
  })[0];

/** Rows of the same matrix. @param codes uint8 [outputs, inputs / 2]   @returns [..., inputs] for ids [...] */
export const GatherBlockQuantized = (codes: Value, ids: Value, { scales, zeros, block }: BlockMatrix) =>
  codes.graph.node('GatherBlockQuantized', [codes, ids, scales, ...(zeros ? [zeros] : [])], {
    domain: MICROSOFT,
    outputs: [scales.dtype],
    attributes: { bits: 4, block_size: block, gather_axis: 0, quantize_axis: 1 },
  })[0];
