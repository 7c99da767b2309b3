/**
 * Rotary positions (Su et al., arXiv 2104.09864): coordinates (i, i + size/2) of each head of queries and keys are a point of
 * the plane, turned by the angle position · θ^(−2i/size). A head may turn in its first coordinates only, and a model whose context
 * was lengthened after its training turns more slowly (`RotaryScaling`).
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

/** How heads turn. */
export interface RotaryTurn {
  /** θ: 10,000 in the first models, up to millions in those of long contexts. */
  theta: number;
  /** Coordinates of a head that turn, an even number; the others pass unchanged. All by default. */
  turned?: number;
  scaling?: RotaryScaling;
  /** cos and sin are rounded to bfloat16, as they were in training. */
  bfloat16?: boolean;
}

/** How a longer context was made of a shorter one (`rope_scaling` of published configurations). */
export type RotaryScaling =
  /** All positions divided by a factor (Chen et al., arXiv 2306.15595). */
  | { type: 'linear'; factor: number }
  /** Slow turns divided by a factor, fast ones kept, and a ramp between them (Llama 3.1). */
  | { type: 'llama3'; factor: number; lowFactor: number; highFactor: number; originalLength: number }
  /** The same with a ramp over coordinates, and cos and sin times a constant (Peng et al., arXiv 2309.00071). */
  | YarnScaling;

export interface YarnScaling {
  type: 'yarn';
  factor: number;
  originalLength: number;
  /** Turns within the original length above which a coordinate is kept, and below which it is divided. */
  betaFast: number;
  betaSlow: number;
  /** Multiplies cos and sin. */
  magnitude: number;
  /** The ends of the ramp are whole coordinates. */
  truncates: boolean;
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
  const { hiddenSize, heads } = network.dimensions;
  return rotationOf(network, positions, { heads, size: hiddenSize / heads, tokens, turn: { theta: BASE } });
}

/** The same for heads of any size. @param form heads of queries, size of a head, rows of the tables */
export function rotationOf(
  { graph, fused }: Pick<RotaryNetwork, 'graph' | 'fused'>,
  positions: Value,
  {
    heads: queryHeads,
    size,
    tokens,
    turn,
  }: { heads: number; size: number; tokens: number; turn: RotaryTurn },
): Rotation {
  const turned = turn.turned ?? size;
  const half = turned / 2;
  const tables = rotaryTables(tokens, turned, turn);
  const cos = graph.initializer('rotary_cos', 'float32', [tokens, half], tables.cos);
  const sin = graph.initializer('rotary_sin', 'float32', [tokens, half], tables.sin);
  if (fused) {
    return (x, heads = queryHeads) =>
      RotaryEmbedding(x, cos, sin, positions, { heads, turned: turned === size ? 0 : turned });
  }
  const atPositions = (table: Value) => Unsqueeze(Gather(table, positions), [2]); // [batch, length, 1, half]
  const c = atPositions(cos);
  const s = atPositions(sin);
  const parts = turned === size ? [half, half] : [half, half, size - turned];
  return (x, heads = queryHeads) => {
    const [a, b, ...still] = Split(Reshape(x, [0, 0, heads, size]), parts, { axis: 3 });
    const both = [Sub(Mul(a, c), Mul(b, s)), Add(Mul(b, c), Mul(a, s)), ...still];
    return Reshape(Concat(both, { axis: 3 }), [0, 0, heads * size]);
  };
}

/** cos and sin of every angle, [length, size/2]. Angles are rounded to float32 as the references' are: at position 1,000
 *  that moves them by up to 3e-5, and published weights were trained with it. */
export function rotaryTables(
  length: number,
  size: number,
  turn: RotaryTurn = { theta: BASE },
): { cos: Float32Array; sin: Float32Array } {
  const half = size / 2;
  const cos = new Float32Array(length * half);
  const sin = new Float32Array(length * half);
  const magnitude = turn.scaling?.type === 'yarn' ? turn.scaling.magnitude : 1;
  const kept = turn.bfloat16 ? toBfloat16 : (value: number) => value;
  for (const [i, frequency] of rotaryFrequencies(size, turn).entries()) {
    for (let position = 0; position < length; position++) {
      const angle = Math.fround(position * frequency);
      cos[position * half + i] = kept(Math.cos(angle) * magnitude);
      sin[position * half + i] = kept(Math.sin(angle) * magnitude);
    }
  }
  return { cos, sin };
}

/** Radians per position of each pair of coordinates, rounded to float32: [size/2]. */
function rotaryFrequencies(size: number, { theta, scaling }: RotaryTurn): Float32Array {
  const plain = Float32Array.from({ length: size / 2 }, (_, i) =>
    Math.fround(1 / Math.fround(theta ** Math.fround((2 * i) / size))),
  );
  if (!scaling) return plain;
  const { factor } = scaling;
  if (scaling.type === 'linear') return plain.map((frequency) => frequency / factor);
  if (scaling.type === 'yarn') {
    const kept = yarnShares(size, theta, scaling);
    return plain.map((frequency, i) => kept[i] * frequency + ((1 - kept[i]) * frequency) / factor);
  }
  const { lowFactor, highFactor, originalLength } = scaling;
  return plain.map((frequency) => {
    const turns = (originalLength * frequency) / (2 * Math.PI); // within the original length
    const kept = Math.min(1, Math.max(0, (turns - lowFactor) / (highFactor - lowFactor)));
    return kept * frequency + ((1 - kept) * frequency) / factor;
  });
}

/** How much of each frequency stays as it was: 1 for fast ones, 0 for slow ones. */
function yarnShares(size: number, theta: number, scaling: YarnScaling): number[] {
  const { originalLength, betaFast, betaSlow, truncates } = scaling;
  const coordinateOf = (turns: number) =>
    (size * Math.log(originalLength / (turns * 2 * Math.PI))) / (2 * Math.log(theta));
  const whole = truncates
    ? ([Math.floor, Math.ceil] as const)
    : ([(x: number) => x, (x: number) => x] as const);
  const low = Math.max(0, whole[0](coordinateOf(betaFast)));
  const high = Math.min(size - 1, whole[1](coordinateOf(betaSlow)));
  const width = high === low ? 0.001 : high - low;
  return Array.from({ length: size / 2 }, (_, i) => 1 - Math.min(1, Math.max(0, (i - low) / width)));
}

/** To the nearest bfloat16, ties to even. */
function toBfloat16(value: number): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer);
  bits[0] = (bits[0] + 0x7fff + ((bits[0] >>> 16) & 1)) & 0xffff0000;
  return new Float32Array(bits.buffer)[0];
}
