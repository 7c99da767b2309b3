/**
 * Rotary positions (Su et al., arXiv 2104.09864): coordinates (i, i + headSize/2) of each head of queries and keys are a
 * point of the plane, turned by the angle position · 10000^(−2i/headSize).
 */
import { RotaryEmbedding } from '../../graph/fused-operators.js';
import type { Graph, Value } from '../../graph/graph.js';
import { Add, Concat, Gather, Mul, Reshape, Split, Sub, Unsqueeze } from '../../graph/operators.js';

const BASE = 10_000;

/** Rotates a [batch, length, heads · headSize] tensor by its positions; built once per network, used for every q and k. Keys may
 *  have fewer heads than the network's queries. */
export type Rotation = (x: Value, heads?: number) => Value;

/** The dimensions that the rotation depends on. */
export interface RotaryNetwork {
  readonly graph: Graph;
  readonly fused: boolean;
  readonly dimensions: { hiddenSize: number; heads: number; length: number };
}

/**
 * @param positions int64 [batch, tokens], each below the network's length
 * @param tokens the most per sequence of a call: the runtime's operator takes no more than the tables have rows
 */
export function rotation(
  network: RotaryNetwork,
  positions: Value,
  tokens = network.dimensions.length,
): Rotation {
  const { graph, dimensions, fused } = network;
  const { hiddenSize } = dimensions;
  const size = hiddenSize / dimensions.heads;
  const half = size / 2;
  const tables = rotaryTables(tokens, size);
  const cos = graph.initializer('rotary_cos', 'float32', [tokens, half], tables.cos);
  const sin = graph.initializer('rotary_sin', 'float32', [tokens, half], tables.sin);
  if (fused) {
    return (x, heads = dimensions.heads) => RotaryEmbedding(x, cos, sin, positions, { heads });
  }
  const atPositions = (table: Value) => Unsqueeze(Gather(table, positions), [2]); // [batch, length, 1, half]
  const c = atPositions(cos);
  const s = atPositions(sin);
  return (x, heads = dimensions.heads) => {
    const [a, b] = Split(Reshape(x, [0, 0, heads, size]), [half, half], { axis: 3 });
    const turned = Concat([Sub(Mul(a, c), Mul(b, s)), Add(Mul(b, c), Mul(a, s))], { axis: 3 });
    return Reshape(turned, [0, 0, heads * size]);
  };
}

/** cos and sin of every angle, [length, headSize/2]. Angles are rounded to float32 as the reference's are: at position 1,000
 *  that moves them by up to 3e-5, and published weights were trained with it. */
export function rotaryTables(length: number, size: number): { cos: Float32Array; sin: Float32Array } {
  const half = size / 2;
  const cos = new Float32Array(length * half);
  const sin = new Float32Array(length * half);
  for (let i = 0; i < half; i++) {
    const frequency = Math.fround(1 / Math.fround(BASE ** Math.fround((2 * i) / size)));
    for (let position = 0; position < length; position++) {
      const angle = Math.fround(position * frequency);
      cos[position * half + i] = Math.cos(angle);
      sin[position * half + i] = Math.sin(angle);
    }
  }
  return { cos, sin };
}
