/**
 * The parameters of a network: names, shapes, and the distribution they start from.
 *
 * Names are those of the reference implementation (s-sahoo/duo, models/dit.py), so that published weights are found by
 * name. One thing differs: a linear layer's matrix is [in, out], as a product x·W wants it, where PyTorch keeps [out, in].
 */
import { type Dimensions, MLP_RATIO } from './dimensions.js';

/** Width of the sinusoidal embedding of the noise level. */
export const FREQUENCY_SIZE = 256;

export interface Parameter {
  name: string;
  dims: readonly number[];
  /** Uniform on (−bound, bound), or one value everywhere. */
  initial: { bound: number } | { value: number };
  /** Training starts it at 0 (layers whose output is first left out: Peebles and Xie, arXiv 2212.09748, section 3.2). */
  startsAtZero: boolean;
  /** All but the first `count` elements, which start uniform on (−bound, bound). */
  exceptFirst?: { count: number; bound: number };
  /** Stored as [in, out]; PyTorch's is the transpose. */
  transposed: boolean;
  /** Rows are used one by one (an embedding), so that int8 gives each a scale of its own. */
  perRow?: boolean;
}

/** How training starts a layer of zeros. */
type Zero = Pick<Parameter, 'exceptFirst'> & { startsAtZero?: boolean };

/**
 * Standard deviation of what training first adds to the normalised input of attention, in units of that input's.
 *
 * The reference starts this shift at 0: queries and keys then have no part that all positions share, and rotary attention can
 * tell no position from another, save by their tokens. It stays so for a long time: trained on 6 million tokens, mdlm left
 * the frequencies of tokens behind at step 1,300 of batch 16, and with 1, 3 and 8 at 550, 350 and beyond 600.
 */
const FIRST_SHIFT = 3;

const norm = (name: string, width: number): Parameter[] => [
  { name: `${name}.weight`, dims: [width], initial: { value: 1 }, startsAtZero: false, transposed: false },
];

/** PyTorch's default start of a linear layer: U(±1/√in) for matrix and bias. */
function linear(
  name: string,
  from: number,
  to: number,
  { bias = true, startsAtZero = false, exceptFirst }: Zero & { bias?: boolean } = {},
): Parameter[] {
  const initial = { bound: 1 / Math.sqrt(from) };
  const weight = { name: `${name}.weight`, dims: [from, to], initial, startsAtZero, transposed: true };
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

function block(name: string, { hiddenSize: d, conditionSize }: Dimensions, adaLN: boolean): Parameter[] {
  const modulation: Zero = {
    startsAtZero: true,
    exceptFirst: { count: d, bound: FIRST_SHIFT * Math.sqrt(3) },
  };
  return [
    ...norm(`${name}.norm1`, d),
    ...linear(`${name}.attn_qkv`, d, 3 * d, { bias: false }),
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
