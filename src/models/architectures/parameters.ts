/**
 * The parameters of a network: names, shapes, and the distribution they start from.
 *
 * Names are those of the reference implementation (s-sahoo/duo, models/dit.py), so that published weights are found by
 * name. One thing differs: a linear layer's matrix is [in, out], as in the product x·W; PyTorch stores [out, in].
 */
import { type Dimensions, MLP_RATIO } from './dimensions.js';
import { rotaryTables } from './rotary.js';

/** Width of the sinusoidal embedding of the noise level. */
export const FREQUENCY_SIZE = 256;

export interface Parameter {
  name: string;
  dims: readonly number[];
  /** Uniform on (−bound, bound), or one value everywhere. */
  initial: { bound: number } | { value: number };
  /** Training initialises it to 0, so that the layer at first adds nothing (Peebles and Xie, arXiv 2212.09748, section 3.2). */
  startsAtZero: boolean;
  /** The same, except that the first `count` elements are uniform on (−bound, bound). */
  exceptFirst?: { count: number; bound: number };
  /** Adjusts drawn elements in place for training: whole rows of [in, out], from row `firstRow` on. */
  adapt?: (rows: Float32Array, firstRow: number) => void;
  /** Stored as [in, out]; PyTorch's is the transpose. */
  transposed: boolean;
  /** Rows are used one by one (an embedding), so int8 storage has one scale per row. */
  perRow?: boolean;
  /** Stays float32 however the matrices are stored: a table that rounding would harm, or what is no matrix of a product. */
  exact?: boolean;
}

/** How training initialises a layer. */
type Start = Pick<Parameter, 'exceptFirst' | 'adapt'> & { startsAtZero?: boolean };

const filled = (name: string, width: number, value: number): Parameter => ({
  name,
  dims: [width],
  initial: { value },
  startsAtZero: false,
  transposed: false,
});

const norm = (name: string, width: number, { normBias }: Kind): Parameter[] => [
  filled(`${name}.weight`, width, 1),
  ...(normBias ? [filled(`${name}.bias`, width, 0)] : []),
];

/** PyTorch's default initialisation of a linear layer: U(±1/√in) for matrix and bias. */
function linear(
  name: string,
  from: number,
  to: number,
  { bias = true, startsAtZero = false, exceptFirst, adapt }: Start & { bias?: boolean } = {},
): Parameter[] {
  const initial = { bound: 1 / Math.sqrt(from) };
  const weight = { name: `${name}.weight`, dims: [from, to], initial, startsAtZero, adapt, transposed: true };
  return bias
    ? [weight, { name: `${name}.bias`, dims: [to], initial, startsAtZero, exceptFirst, transposed: false }]
    : [weight];
}

const embedding = (rows: number, width: number): Parameter => ({
  name: 'vocab_embed.embedding',
  dims: [rows, width],
  initial: { bound: 1 / Math.sqrt(width) },
  startsAtZero: false,
  transposed: false,
  perRow: true,
});

/** What sets the networks apart. */
interface Kind {
  /** The noise level modulates the normalised input of each part. */
  adaLN: boolean;
  /** Layer normalisation has a bias besides its weight. */
  normBias?: boolean;
}

function block(name: string, dimensions: Dimensions, kind: Kind): Parameter[] {
  const { adaLN } = kind;
  const { hiddenSize: d, conditionSize } = dimensions;
  const modulation: Start = { startsAtZero: true, exceptFirst: constantCoordinates(d) };
  const attention: Start = adaLN ? { adapt: lookingAtNeighbours(dimensions) } : {};
  return [
    ...norm(`${name}.norm1`, d, kind),
    ...linear(`${name}.attn_qkv`, d, 3 * d, { bias: false, ...attention }),
    ...linear(`${name}.attn_out`, d, d, { bias: false }),
    ...norm(`${name}.norm2`, d, kind),
    ...linear(`${name}.mlp.0`, d, MLP_RATIO * d),
    ...linear(`${name}.mlp.2`, MLP_RATIO * d, d),
    ...(adaLN ? linear(`${name}.adaLN_modulation`, conditionSize, 6 * d, modulation) : []),
  ];
}

/** All parameters of the diffusion transformer (`adaLN`), of the one without the noise level (`normBias`) or of the causal
 *  transformer, in the order of the forward pass. */
export function networkParameters(dimensions: Dimensions, kind: Kind): Parameter[] {
  const { adaLN } = kind;
  const { hiddenSize: d, conditionSize, vocabSize, blocks } = dimensions;
  return [
    embedding(vocabSize, d),
    ...(adaLN
      ? [
          ...linear('sigma_map.mlp.0', FREQUENCY_SIZE, conditionSize),
          ...linear('sigma_map.mlp.2', conditionSize, conditionSize),
        ]
      : []),
    ...Array.from({ length: blocks }, (_, i) => block(`blocks.${i}`, dimensions, kind)).flat(),
    ...norm('output_layer.norm_final', d, kind),
    ...(adaLN ? linear('output_layer.adaLN_modulation', conditionSize, 2 * d, { startsAtZero: true }) : []),
    ...linear('output_layer.linear', d, vocabSize, { startsAtZero: true }),
  ];
}

/** Elements of a parameter. */
export const elementCount = ({ dims }: Pick<Parameter, 'dims'>): number =>
  dims.reduce((product, size) => product * size, 1);

/*
 * The initial attention of a denoiser in training: each head looks one position back or one ahead.
 *
 * The reference initialises to 0 what adaptive normalisation adds to the input of attention. Queries and keys then have no part
 * that all positions share, rotary attention can distinguish positions by their tokens alone, and a head averages over the
 * whole sequence. For a long time such networks learn only token frequencies, which need no neighbours (measurements in
 * fixtures/README.md). Here a few coordinates of the input are constant at first, the same at every position. The queries are
 * the keys rotated by one position, so k·R(j − i − 1)k, for a query at i and a key at j, is greatest at j = i + 1. The values do
 * not read those coordinates at first, so a head passes on its neighbour's token alone. Similar initial queries and keys are
 * the idea of mimetic initialisation (Trockman and Kolter, arXiv 2305.09828).
 */

/** Root mean square over the whole input, relative to that of the normalised input. */
const SHIFT = 3;

/** One in this many coordinates of the input of attention is constant at first. */
const ONE_IN = 16;

/** How many of the first coordinates of the input are constant at first, and the bound of their uniform values. */
function constantCoordinates(hiddenSize: number): { count: number; bound: number } {
  const count = Math.ceil(hiddenSize / ONE_IN);
  return { count, bound: SHIFT * Math.sqrt((3 * hiddenSize) / count) };
}

/**
 * Adjusts drawn rows of the matrix [hiddenSize, 3 · hiddenSize] of queries, keys and values: the queries become the keys
 * rotated by one position, back in even heads and ahead in odd ones; the values ignore the constant coordinates.
 */
function lookingAtNeighbours(network: {
  hiddenSize: number;
  heads: number;
}): (rows: Float32Array, firstRow: number) => void {
  const { hiddenSize, heads } = network;
  const half = hiddenSize / heads / 2;
  const { cos, sin } = rotaryTables(2, 2 * half);
  const constant = constantCoordinates(hiddenSize).count;
  return (rows, firstRow) => {
    const count = rows.length / (3 * hiddenSize);
    for (let row = 0; row < count; row++) {
      const [queries, keys, values] = [0, 1, 2].map((part) =>
        rows.subarray((3 * row + part) * hiddenSize, (3 * row + part + 1) * hiddenSize),
      );
      for (let head = 0; head < heads; head++) {
        for (let i = 0; i < half; i++) {
          const [a, b] = [2 * head * half + i, (2 * head + 1) * half + i];
          const c = cos[half + i];
          const s = head % 2 === 0 ? -sin[half + i] : sin[half + i];
          queries[a] = keys[a] * c - keys[b] * s;
          queries[b] = keys[b] * c + keys[a] * s;
        }
      }
      if (firstRow + row < constant) values.fill(0);
    }
  };
}
