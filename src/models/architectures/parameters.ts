/**
 * The parameters of a network: names, shapes, and the distribution they start from.
 *
 * Names are those of the reference implementation (s-sahoo/duo, models/dit.py), so that published weights are found by
 * name. One thing differs: a linear layer's matrix is [in, out], as in the product x·W; PyTorch stores [out, in].
 */
import { type Dimensions, MLP_RATIO } from './dimensions.js';
import { constantCoordinates, lookingAtNeighbours } from './neighbour-attention.js';

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

const norm = (name: string, width: number): Parameter[] => [
  { name: `${name}.weight`, dims: [width], initial: { value: 1 }, startsAtZero: false, transposed: false },
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

function block(name: string, dimensions: Dimensions, adaLN: boolean): Parameter[] {
  const { hiddenSize: d, conditionSize } = dimensions;
  const modulation: Start = { startsAtZero: true, exceptFirst: constantCoordinates(d) };
  const attention: Start = adaLN ? { adapt: lookingAtNeighbours(dimensions) } : {};
  return [
    ...norm(`${name}.norm1`, d),
    ...linear(`${name}.attn_qkv`, d, 3 * d, { bias: false, ...attention }),
    ...linear(`${name}.attn_out`, d, d, { bias: false }),
    ...norm(`${name}.norm2`, d),
    ...linear(`${name}.mlp.0`, d, MLP_RATIO * d),
    ...linear(`${name}.mlp.2`, MLP_RATIO * d, d),
    ...(adaLN ? linear(`${name}.adaLN_modulation`, conditionSize, 6 * d, modulation) : []),
  ];
}

/** All parameters of the diffusion transformer (`adaLN`) or of the causal transformer, in the order of the forward pass. */
export function networkParameters(dimensions: Dimensions, { adaLN }: { adaLN: boolean }): Parameter[] {
  const { hiddenSize: d, conditionSize, vocabSize, blocks } = dimensions;
  return [
    embedding(vocabSize, d),
    ...(adaLN
      ? [
          ...linear('sigma_map.mlp.0', FREQUENCY_SIZE, conditionSize),
          ...linear('sigma_map.mlp.2', conditionSize, conditionSize),
        ]
      : []),
    ...Array.from({ length: blocks }, (_, i) => block(`blocks.${i}`, dimensions, adaLN)).flat(),
    ...norm('output_layer.norm_final', d),
    ...(adaLN ? linear('output_layer.adaLN_modulation', conditionSize, 2 * d, { startsAtZero: true }) : []),
    ...linear('output_layer.linear', d, vocabSize, { startsAtZero: true }),
  ];
}

/** Elements of a parameter. */
export const elementCount = ({ dims }: Pick<Parameter, 'dims'>): number =>
  dims.reduce((product, size) => product * size, 1);
