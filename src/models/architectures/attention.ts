/** Multi-head attention: bidirectional, causal, and of new positions to cached ones. */
import { MultiHeadAttention } from '../../graph/fused-operators.js';
import type { Value } from '../../graph/graph.js';
import {
  Abs,
  Add,
  Concat,
  CumSum,
  Div,
  Equal,
  Expand,
  Gather,
  Greater,
  If,
  MatMul,
  Mul,
  Not,
  Or,
  Range,
  Reshape,
  Shape,
  Slice,
  Softmax,
  Split,
  Squeeze,
  Sub,
  Transpose,
  Unsqueeze,
  Where,
} from '../../graph/operators.js';
import { headSize } from './dimensions.js';
import { linear } from './layers.js';
import type { Network } from './network.js';
import type { Rotation } from './rotary.js';

/** Added to the scores of hidden positions. Finite, so that a padding row that sees nothing gives numbers, not NaN. */
const UNSEEN = -1e9;
/** The end of a slice that runs to the end of its axis. */
const END = [Number.MAX_SAFE_INTEGER];

/** Keys and values, [batch, heads, positions, headSize] each. */
export interface KeysAndValues {
  key: Value;
  value: Value;
}

/** Queries, keys and values of a block, [batch, length, d] each; queries and keys are rotated by their positions. */
function projections(network: Network, name: string, x: Value, rotate: Rotation): [Value, Value, Value] {
  const { hiddenSize: d } = network.dimensions;
  const [q, k, v] = Split(linear(network, `${name}.attn_qkv`, x, { bias: false }), [d, d, d], { axis: 2 });
  return [rotate(q), rotate(k), v];
}

/**
 * Every position sees every other, unless a bias on the scores, [length, length], hides some.
 * @param causal the bias that hides later positions, for which there is a fused operator   @param bias any other
 */
export function selfAttention(
  network: Network,
  name: string,
  x: Value,
  rotate: Rotation,
  { causal = null, bias = causal }: { causal?: Value | null; bias?: Value | null } = {},
): Value {
  const [q, k, v] = projections(network, name, x, rotate);
  return linear(network, `${name}.attn_out`, attend(network, { q, k, v }, { causal, bias }), { bias: false });
}

/** The part of `selfAttention` between the input and output matrices: [batch, length, d] each. */
export function attend(
  network: Network,
  { q, k, v }: { q: Value; k: Value; v: Value },
  { causal = null, bias = causal }: { causal?: Value | null; bias?: Value | null } = {},
): Value {
  const { heads, hiddenSize } = network.dimensions;
  if (network.fused && bias === causal) {
    return MultiHeadAttention(q, k, v, { heads, unidirectional: causal !== null });
  }
  const scores = MatMul(scaled(network, byHeads(network, q)), keysTransposed(byHeads(network, k)));
  const weights = Softmax(bias ? Add(scores, bias) : scores);
  const attended = Transpose(MatMul(weights, byHeads(network, v)), { perm: [0, 2, 1, 3] });
  return Reshape(attended, [0, 0, hiddenSize]);
}

/**
 * New positions see the cached ones and the new ones up to themselves. The cache is read in place: scores and weighted sums
 * are computed for the cached part and the new part separately, so no step copies the cache. An empty cache takes a separate
 * branch without slices and concatenations (and WebGPU has no product over zero elements).
 * @param bias of the scores, [batch, 1, new, cached + new]   @param pastLength int64 [1]
 * @returns the block's output for the new positions, and their keys and values
 */
export function cachedAttention(
  network: Network,
  name: string,
  x: Value,
  rotate: Rotation,
  { past, bias, pastLength }: { past: KeysAndValues; bias: Value; pastLength: Value },
): { output: Value; added: KeysAndValues } {
  const { heads } = network.dimensions;
  const [q, k, v] = projections(network, name, x, rotate);
  const sizes = { heads, keyValueHeads: heads, headSize: headSize(network.dimensions) };
  const { attended, added } = attendCached(sizes, { q, k, v }, { past, bias, pastLength });
  return { output: linear(network, `${name}.attn_out`, attended, { bias: false }), added };
}

/** Grouped-query attention: each head of keys and values serves several consecutive heads of queries. */
export interface HeadSizes {
  heads: number;
  keyValueHeads: number;
  headSize: number;
}

/**
 * The part of `cachedAttention` between the input and output matrices.
 * @param values q [batch, new, heads · headSize], k and v [batch, new, keyValueHeads · headSize], q and k rotated
 * @returns [batch, new, heads · headSize], and the new keys and values
 */
export function attendCached(
  { heads, keyValueHeads, headSize: size }: HeadSizes,
  { q, k, v }: { q: Value; k: Value; v: Value },
  { past, bias, pastLength }: { past: KeysAndValues; bias: Value; pastLength: Value },
): { attended: Value; added: KeysAndValues } {
  const split = (x: Value, n: number) => Transpose(Reshape(x, [0, 0, n, size]), { perm: [0, 2, 1, 3] });
  const added = { key: split(k, keyValueHeads), value: split(v, keyValueHeads) };
  const shared = heads !== keyValueHeads;
  // If grouped: [batch, keyValueHeads, query heads per group, new, headSize]; keys and values get an axis of size 1.
  const scaledQuery = Mul(split(q, heads), 1 / Math.sqrt(size));
  const query = shared
    ? Reshape(scaledQuery, [0, keyValueHeads, heads / keyValueHeads, -1, size])
    : scaledQuery;
  const scoresBias = shared ? Unsqueeze(bias, [1]) : bias;
  const all = (x: Value) => (shared ? Unsqueeze(x, [2]) : x);
  const axis = shared ? 4 : 3;
  const perm = shared ? [0, 1, 2, 4, 3] : [0, 1, 3, 2];
  const turned = (key: Value) => Transpose(all(key), { perm });
  const result = If(
    Greater(Squeeze(pastLength, [0]), 0),
    (here) => {
      const parts = [past, added].map(({ key }) => MatMul(here(query), turned(here(key))));
      const weights = Softmax(Add(Concat(parts, { axis }), scoresBias));
      const atPast = Slice(weights, { starts: [0], ends: here(pastLength), axes: [axis] });
      const atAdded = Slice(weights, { starts: here(pastLength), ends: END, axes: [axis] });
      return Add(MatMul(atPast, all(here(past.value))), MatMul(atAdded, all(here(added.value))));
    },
    (here) => {
      const scores = MatMul(here(query), turned(here(added.key)));
      return MatMul(Softmax(Add(scores, scoresBias)), all(here(added.value)));
    },
  );
  const byHead = shared ? Reshape(result, [0, heads, -1, size]) : result;
  return { attended: Reshape(Transpose(byHead, { perm: [0, 2, 1, 3] }), [0, 0, heads * size]), added };
}

/** Where a block diffusion model's tokens are: a value for each token, [batch, tokens] or [tokens]. */
export interface BlockPlaces {
  /** int64: positions in the text, the same for a noisy token and the clean one of its place. */
  positions: Value;
  /** bool */
  clean: Value;
}

/**
 * What a token of a block diffusion model sees (BD3-LM, arXiv 2503.09573, section 3.2): a noisy token the noisy ones of its block
 * and the clean ones of earlier blocks; a clean token the clean ones of its block and of earlier ones.
 * @returns 0 where the token of a row sees that of a column, else −1e9: [batch, tokens, tokens] or [tokens, tokens]
 */
function blockCausalBias({ positions, clean }: BlockPlaces, blockSize: number): Value {
  const block = Div(positions, blockSize);
  const row = (value: Value) => Unsqueeze(value, [-1]);
  const column = (value: Value) => Unsqueeze(value, [-2]);
  // No block is 2³¹ − 1, and −1 is not −2: clean tokens are not among the noisy ones of a block, and seek none.
  const later = Greater(column(Where(clean, block, 2 ** 31 - 1)), row(Where(clean, block, Sub(block, 1))));
  const together = Equal(column(Where(clean, -1, block)), row(Where(clean, -2, block)));
  return Where(Or(Not(later), together), 0, UNSEEN);
}

/** The same for tokens after cached ones, which are all seen: [batch, 1, tokens, past + tokens]. @param pastLength int64 [1] */
export function blocksBias(places: BlockPlaces, blockSize: number, pastLength: Value): Value {
  const among = Unsqueeze(blockCausalBias(places, blockSize), [1]); // [batch, 1, tokens, tokens]
  const size = Slice(Shape(among), { starts: [0], ends: [3], axes: [0] });
  const seen = Expand(among.graph.constant([0], 'float32'), Concat([size, pastLength], { axis: 0 }));
  return Concat([seen, among], { axis: 3 });
}

/** The same for a text's noisy tokens followed by its clean ones: [2 · length, 2 · length]. */
export function doubledBias(length: Value, blockSize: number): Value {
  const places = Range(0, length, 1);
  const clean = Concat([Mul(places, 0), Add(Mul(places, 0), 1)], { axis: 0 });
  return blockCausalBias(
    { positions: Concat([places, places], { axis: 0 }), clean: Greater(clean, 0) },
    blockSize,
  );
}

/** 0 where position i sees position j, at most `reach` from it, else −1e9: [length, length]. */
export function localBias(length: Value, reach: number): Value {
  const positions = Range(0, length, 1);
  const distance = Abs(Sub(Unsqueeze(positions, [0]), Unsqueeze(positions, [1])));
  return Where(Greater(distance, reach), UNSEEN, 0);
}

/** 0 where position i may see position j ≤ i, else −1e9: [length, length]. */
export function causalBias(length: Value): Value {
  const positions = Range(0, length, 1);
  return Where(Greater(Unsqueeze(positions, [0]), Unsqueeze(positions, [1])), UNSEEN, 0);
}

/**
 * The same for new positions after cached ones; a mask also hides the padding of shorter sequences.
 * @param attentionMask int64 [batch, cached + new]: 1 for tokens, 0 for padding
 * @returns [batch, 1, new, cached + new]
 */
export function cachedBias(attentionMask: Value, newLength: Value): Value {
  const total = Gather(Shape(attentionMask), 1);
  const keys = Range(0, total, 1);
  const queries = Unsqueeze(Slice(keys, { starts: negative(newLength), ends: END, axes: [0] }), [1]);
  const later = Greater(Unsqueeze(keys, [0]), queries); // [new, cached + new]
  const padding = Not(Unsqueeze(Greater(attentionMask, 0), [1, 2])); // [batch, 1, 1, cached + new]
  return Where(Or(later, padding), UNSEEN, 0);
}

/** A bias of causal attention where tokens see `tokens` tokens at most, themselves the last. @param positions, attentionMask, bias as in
 *  {@link cachedBias} */
export function windowedBias(bias: Value, attentionMask: Value, positions: Value, tokens: number): Value {
  const keys = Unsqueeze(Sub(CumSum(attentionMask, 1), 1), [1, 2]); // [batch, 1, 1, cached + new]
  const first = Unsqueeze(Sub(positions, tokens - 1), [1, 3]); // [batch, 1, new, 1]
  return Where(Greater(first, keys), UNSEEN, bias);
}

/** The same for whole sequences: [length, length]. */
export function windowBias(length: Value, tokens: number): Value {
  const positions = Range(0, length, 1);
  const first = Unsqueeze(Sub(positions, tokens - 1), [1]);
  return Where(Greater(first, Unsqueeze(positions, [0])), UNSEEN, causalBias(length));
}

const negative = (length: Value): Value => Unsqueeze(Mul(length, -1), [0]);

/** [batch, length, heads · headSize] → [batch, heads, length, headSize]. */
function byHeads(network: Network, x: Value): Value {
  const { heads } = network.dimensions;
  return Transpose(Reshape(x, [0, 0, heads, headSize(network.dimensions)]), { perm: [0, 2, 1, 3] });
}

/** The queries take the factor 1/√headSize of the scores, because they have fewer elements. */
const scaled = (network: Network, query: Value): Value =>
  Mul(query, 1 / Math.sqrt(headSize(network.dimensions)));

const keysTransposed = (key: Value): Value => Transpose(key, { perm: [0, 1, 3, 2] });
