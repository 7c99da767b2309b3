/**
 * The transformer of Llama (Touvron et al., arXiv 2302.13971) and of what came after it: Qwen, Mistral, Gemma, Pythia, and the
 * masked diffusion models made from them. decoder-dimensions.ts has what can differ. The usual block:
 *
 *     h = norm(x);   q, k = turn(h·Q), turn(h·K);   x ← x + attention(q, k, h·V)·O
 *     h = norm(x);   x ← x + (SiLU(h·W₁) ⊙ h·W₃)·W₂
 *     logits = norm(x)·W, or norm(x)·Eᵀ where the head is tied to the embedding
 *
 * What a checkpoint holds depends on the attention:
 *
 *     causal         with cached keys and values, as cachedCausalGraph (causal.ts)
 *     full           input_ids → logits: row i scores token i
 *     block-causal   noisy and clean tokens with cached keys and values, as blockDiffusionGraph, without a noise level; with a shift, the
 *                    clean token before a block must be among those of the call, and not only in the cache
 */
import { Attention, MultiHeadAttention, RMSNormalization } from '../../graph/fused-operators.js';
import type { Graph, Value } from '../../graph/graph.js';
import {
  Add,
  ArgMax,
  Cast,
  Concat,
  Div,
  Equal,
  Expand,
  Gather,
  GatherElements,
  Greater,
  MatMul,
  Mul,
  Or,
  Pow,
  ReduceMean,
  Reshape,
  Shape,
  Softmax,
  Sqrt,
  Sub,
  Transpose,
  Unsqueeze,
  Where,
} from '../../graph/operators.js';
import {
  attendCached,
  type BlockPlaces,
  blocksBias,
  causalBias,
  doubledBias,
  type KeysAndValues,
  windowBias,
  windowedBias,
} from './attention.js';
import { CLEAN_IDS } from './block-diffusion.js';
import { cachedInputs, cachedOutputs, pastInputs } from './cached-inputs.js';
import {
  checkDecoder,
  type DecoderDimensions,
  decoderParameters,
  EMBEDDING,
  HEAD,
} from './decoder-dimensions.js';
import { sequencePositions } from './dit.js';
import { activation, biasedNorm, linear, oneLater } from './layers.js';
import { type BuildOptions, Network } from './network.js';
import { type Rotation, rotationOf } from './rotary.js';

export interface DecoderOptions extends BuildOptions {
  /** false, as training needs it: a causal network reads whole sequences, `input_ids` alone; one in blocks reads `input_ids` and
   *  `clean_ids` as blockTrainingGraph (block-diffusion.ts). */
  cached?: boolean;
}

/** Attention of a block: q, k and v [batch, tokens, heads · headSize], q and k turned; k and v may have fewer heads. */
type Attend = (qkv: { q: Value; k: Value; v: Value }, block: number) => Value;

/** Meets the checkpoint contract. @throws ModelError when there can be no network of these dimensions */
export function decoderGraph(dimensions: DecoderDimensions, options: DecoderOptions = {}): Graph {
  checkDecoder(dimensions);
  const { attention } = dimensions;
  const parameters = decoderParameters(dimensions);
  const network = Network.create('decoder', { ...dimensions, conditionSize: 0 }, parameters, options);
  const { cached = true } = options;
  if (typeof attention === 'object')
    (cached ? blockCausal : blockTraining)(network, dimensions, attention.blockCausal);
  else if (attention === 'causal' && cached) cachedCausal(network, dimensions);
  else wholeSequences(network, dimensions, attention === 'causal');
  return network.graph;
}

function wholeSequences(network: Network, dimensions: DecoderDimensions, isCausal: boolean): void {
  const { graph } = network;
  const ids = graph.input('input_ids', 'int64', ['batch', 'length']);
  const causal = isCausal && !network.fused ? causalBias(Gather(Shape(ids), 1)) : null;
  const { window } = dimensions;
  const windowed = window ? windowBias(Gather(Shape(ids), 1), window.tokens) : null;
  const attend: Attend = (qkv, i) => {
    const { heads } = dimensions;
    const q = qkv.q;
    const [k, v] = [qkv.k, qkv.v].map((x) => headsRepeated(dimensions, x));
    if (window?.blocks.includes(i)) return plainAttention(dimensions, { q, k, v }, windowed);
    return network.fused
      ? MultiHeadAttention(q, k, v, { heads, unidirectional: isCausal })
      : plainAttention(dimensions, { q, k, v }, causal);
  };
  outputLogits(
    network,
    dimensions,
    transformer(network, dimensions, { ids, positions: sequencePositions(ids) }, attend),
  );
}

function cachedCausal(network: Network, dimensions: DecoderDimensions): void {
  const { graph } = network;
  const { ids, positions, pasts, bias, pastLength } = cachedInputs(graph, dimensions);
  const { window } = dimensions;
  const mask = graph.value('attention_mask', 'int64');
  const narrow = window ? windowedBias(bias, mask, positions, window.tokens) : bias;
  const biasOf = (block: number) => (window?.blocks.includes(block) ? narrow : bias);
  const { attend, added } = cachedAttention(network, dimensions, pasts, { biasOf, pastLength });
  outputLogits(network, dimensions, transformer(network, dimensions, { ids, positions }, attend));
  cachedOutputs(graph, pasts, added, dimensions);
}

function blockCausal(network: Network, dimensions: DecoderDimensions, blockSize: number): void {
  const { graph } = network;
  const shape = ['batch', 'length'];
  const ids = graph.input('input_ids', 'int64', shape);
  const positions = graph.input('position_ids', 'int64', shape);
  const types = graph.input('token_type_ids', 'int64', shape);
  const { pasts, pastLength } = pastInputs(graph, dimensions);
  const places = { positions, clean: Greater(types, 0) };
  const bias = blocksBias(places, blockSize, pastLength);
  const { attend, added } = cachedAttention(network, dimensions, pasts, { biasOf: () => bias, pastLength });
  const later = (states: Value) => oneLaterInBlocks(states, places, blockSize);
  outputLogits(network, dimensions, transformer(network, dimensions, { ids, positions }, attend, later));
  cachedOutputs(graph, pasts, added, dimensions);
}

function blockTraining(network: Network, dimensions: DecoderDimensions, blockSize: number): void {
  const { graph } = network;
  const noisy = graph.input('input_ids', 'int64', ['batch', 'length']);
  const ids = Concat([noisy, graph.input(CLEAN_IDS, 'int64', ['batch', 'length'])], { axis: 1 });
  const half = sequencePositions(noisy);
  const bias = graph.scope('bias', () => doubledBias(Gather(Shape(noisy), 1), blockSize));
  const attend: Attend = ({ q, k, v }) => {
    const [keys, values] = [k, v].map((x) => headsRepeated(dimensions, x));
    return plainAttention(dimensions, { q, k: keys, v: values }, bias);
  };
  const positions = Concat([half, half], { axis: 1 });
  const none = Mul(half, 0);
  const places = { positions, clean: Greater(Concat([none, Add(none, 1)], { axis: 1 }), 0) };
  const later = (states: Value) => oneLaterInBlocks(states, places, blockSize);
  const logits = transformer(network, dimensions, { ids, positions }, attend, later);
  graph.output(logits, 'logits', ['batch', 'doubled', dimensions.vocabSize]);
}

function outputLogits({ graph }: Network, { vocabSize }: DecoderDimensions, logits: Value): void {
  graph.output(logits, 'logits', ['batch', 'length', vocabSize]);
}

function cachedAttention(
  { fused }: Network,
  sizes: DecoderDimensions,
  pasts: readonly KeysAndValues[],
  { biasOf, pastLength }: { biasOf: (block: number) => Value; pastLength: Value },
): { attend: Attend; added: KeysAndValues[] } {
  const added: KeysAndValues[] = [];
  const attend: Attend = (qkv, i) => {
    const bias = biasOf(i);
    if (fused) {
      const { key: pastKey, value: pastValue } = pasts[i];
      const { q: query, k: key, v: value } = qkv;
      const split = (x: Value) =>
        Transpose(Reshape(x, [0, 0, sizes.keyValueHeads, sizes.headSize]), { perm: [0, 2, 1, 3] });
      added.push({ key: split(key), value: split(value) });
      return Attention({ query, key, value }, { bias, pastKey, pastValue }, sizes);
    }
    const of = attendCached(sizes, qkv, { past: pasts[i], bias, pastLength });
    added.push(of.added);
    return of.attended;
  };
  return { attend, added };
}

/** From tokens to logits, [batch, tokens, vocab].
 *  @param ids, positions int64 [batch, tokens]   @param later moves states to the token after them, in a network with a shift */
function transformer(
  network: Network,
  dimensions: DecoderDimensions,
  { ids, positions }: { ids: Value; positions: Value },
  attend: Attend,
  later = oneLater,
): Value {
  const { graph } = network;
  const { blocks, heads, headSize: size, length, attention, rotary: turn, embeddingScale } = dimensions;
  const tokens = typeof attention === 'object' ? 2 * length : length;
  const rotate = rotationOf(network, positions, { heads, size, tokens, turn });
  const embedding = network.parameter(EMBEDDING);
  const embedded = Gather(embedding, ids);
  let x = embeddingScale === undefined ? embedded : Mul(embedded, embeddingScale);
  for (let i = 0; i < blocks; i++) {
    const name = `blocks.${i}`;
    x = graph.scope(name, () => block(network, dimensions, name, x, rotate, (qkv) => attend(qkv, i)));
  }
  return graph.scope('output_layer', () => {
    const normalised = norm(network, dimensions, 'norm_final', x);
    const states = dimensions.shift ? later(normalised) : normalised;
    return dimensions.tied
      ? MatMul(states, Transpose(embedding, { perm: [1, 0] }))
      : linear(network, HEAD, states, { bias: false });
  });
}

/**
 * The states of the tokens before, where tokens come in blocks (Fast-dLLM v2, arXiv 2509.26328, section 3.2, as its sampler reads them): of the
 * same noisy block, but for its first token that of the clean text. Where a call has no such token, its first row.
 * @param states [batch, tokens, d]
 */
function oneLaterInBlocks(states: Value, { positions, clean }: BlockPlaces, blockSize: number): Value {
  const isFirst = Equal(positions, Mul(Div(positions, blockSize), blockSize));
  // Noisy tokens are even numbers, clean ones odd.
  const numbers = Where(clean, Add(Mul(positions, 2), 1), Mul(positions, 2));
  const before = Sub(Mul(positions, 2), 2);
  const wanted = Where(Or(clean, isFirst), Add(before, 1), before);
  const found = Cast(Equal(Unsqueeze(wanted, [-1]), Unsqueeze(numbers, [-2])), { to: 'float32' });
  const rows = Unsqueeze(ArgMax(found, { keepdims: false }), [-1]);
  return GatherElements(states, Expand(rows, Shape(states)), { axis: 1 });
}

function block(
  network: Network,
  dimensions: DecoderDimensions,
  name: string,
  x: Value,
  rotate: Rotation,
  attend: (qkv: { q: Value; k: Value; v: Value }) => Value,
): Value {
  const { heads, keyValueHeads, biases = {}, parallel = false } = dimensions;
  const before = norm(network, dimensions, `${name}.norm1`, x);
  const projected = (part: string, count: number) => {
    const values = linear(network, `${name}.${part}`, before, { bias: biases.qkv ?? false });
    const norms = dimensions.queryKeyNorm && part !== 'attn_v';
    return norms ? headNorm(network, dimensions, `${name}.${part}_norm`, values, count) : values;
  };
  const q = rotate(projected('attn_q', heads));
  const k = rotate(projected('attn_k', keyValueHeads), keyValueHeads);
  const v = projected('attn_v', keyValueHeads);
  const attended = linear(network, `${name}.attn_out`, attend({ q, k, v }), { bias: biases.out ?? false });
  const between = Add(x, attended);
  const h = norm(network, dimensions, `${name}.norm2`, parallel ? x : between);
  return Add(between, perceptron(network, dimensions, `${name}.mlp`, h));
}

function perceptron(network: Network, dimensions: DecoderDimensions, name: string, h: Value): Value {
  const { biases = {}, gated } = dimensions;
  const layer = (part: string, x: Value) =>
    linear(network, `${name}.${part}`, x, { bias: biases.mlp ?? false });
  const hidden = gated
    ? Mul(activation(network, dimensions.activation, layer('gate', h)), layer('up', h))
    : activation(network, dimensions.activation, layer('up', h));
  return layer('down', hidden);
}

function norm(
  network: Network,
  { norm: { type, epsilon } }: DecoderDimensions,
  name: string,
  x: Value,
): Value {
  if (type === 'layer') return biasedNorm(network, name, x, { epsilon });
  return rootMeanSquareNorm(network, x, network.parameter(`${name}.weight`), epsilon);
}

/** The norm of each head's queries or keys. */
function headNorm(
  network: Network,
  { headSize, norm: { epsilon } }: DecoderDimensions,
  name: string,
  x: Value,
  heads: number,
): Value {
  const byHead = Reshape(x, [0, 0, heads, headSize]);
  const weight = network.parameter(`${name}.weight`);
  return Reshape(rootMeanSquareNorm(network, byHead, weight, epsilon), [0, 0, heads * headSize]);
}

/** x/√(mean of x² + ε) · weight, over the last axis (Zhang and Sennrich, arXiv 1910.07467). */
function rootMeanSquareNorm({ fused }: Network, x: Value, weight: Value, epsilon: number): Value {
  if (fused) return RMSNormalization(x, weight, { epsilon });
  const meanSquare = ReduceMean(Pow(x, 2), { axes: [-1] });
  return Mul(Div(x, Sqrt(Add(meanSquare, epsilon))), weight);
}

/** Keys or values with as many heads as the queries, each repeated: [batch, tokens, heads · headSize]. */
function headsRepeated({ heads, keyValueHeads, headSize }: DecoderDimensions, x: Value): Value {
  if (heads === keyValueHeads) return x;
  const times = x.graph.constant([1, 1, 1, heads / keyValueHeads, 1], 'int64');
  const apart = Reshape(x, [0, 0, keyValueHeads, 1, headSize]);
  return Reshape(Expand(apart, times), [0, 0, heads * headSize]);
}

function plainAttention(
  { heads, headSize }: DecoderDimensions,
  { q, k, v }: { q: Value; k: Value; v: Value },
  bias: Value | null,
): Value {
  const byHead = (x: Value, perm: readonly number[]) =>
    Transpose(Reshape(x, [0, 0, heads, headSize]), { perm });
  const query = byHead(Mul(q, 1 / Math.sqrt(headSize)), [0, 2, 1, 3]);
  const scores = MatMul(query, byHead(k, [0, 2, 3, 1]));
  const weights = Softmax(bias ? Add(scores, bias) : scores);
  const attended = MatMul(weights, byHead(v, [0, 2, 1, 3]));
  return Reshape(Transpose(attended, { perm: [0, 2, 1, 3] }), [0, 0, heads * headSize]);
}
