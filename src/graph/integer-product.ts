/**
 * Products whose inputs are rounded to whole numbers, as their weights are, so that the processor multiplies bytes and adds in int32.
 *
 *     s_r = max_i |x_ri| / 127        of each row of x, a token
 *     q_ri = round(x_ri / s_r)        from -127 to 127; kept as q + 128, because the runtime multiplies uint8 by int8
 *     y_rj = (sum_i q_ri w_ij) s_r c_j     w int8, and one c per output
 *
 * or, for weights in blocks of 4 bits, with one s for each block of a row. A row depends on no other, so figures do not depend on what
 * shares a call; sums of whole numbers are exact in any order. Each is one operator in the graph, a function of the model, which the
 * runtime writes out when it loads it.
 */
import type { BlockMatrix } from './fused-operators.js';
import type { Graph, Value } from './graph.js';
import type { NodeProto } from './onnx.js';
import { Abs, Add, Cast, Div, MatMulInteger, Max, Mul, ReduceMax, ReduceSum } from './operators.js';

const DOMAIN = 'duo-eval';
const INTEGER_PRODUCT = { domain: DOMAIN, name: 'IntegerProduct' };
const BLOCK_PRODUCT = { domain: DOMAIN, name: 'BlockProduct', numbers: ['K', 'N', 'bits', 'block_size'] };
const LARGEST = 127;
const ZERO = 128;
/** Below it, a row counts as zeros: its inverse would not be finite. */
const LEAST = 1e-30;
/** The runtime's name for products that round their inputs to int8. */
const INT8_ACCURACY = 4;

/**
 * @param x float32 [..., inputs]   @param matrix int8 [inputs, outputs]   @param scales float32 [outputs]
 * @returns float32 [..., outputs]
 */
export function IntegerProduct(x: Value, matrix: Value, scales: Value): Value {
  x.graph.declareFunction(INTEGER_PRODUCT, { x: 'float32', matrix: 'int8', scales: 'float32' }, byRows);
  const { domain, name } = INTEGER_PRODUCT;
  return x.graph.node(name, [x, matrix, scales], { domain, outputs: ['float32'] })[0];
}

/** x·Wᵀ for a matrix in blocks of 4 bits. @param x float32 [..., inputs]   @returns float32 [..., outputs] */
export function BlockProduct(x: Value, { codes, scales, zeros, outputs, inputs, block }: BlockMatrix): Value {
  const parameters = { x: 'float32', codes: 'uint8', scales: 'float32', zeros: 'uint8' } as const;
  x.graph.declareFunction(BLOCK_PRODUCT, parameters, byBlocks);
  const { domain, name } = BLOCK_PRODUCT;
  return x.graph.node(name, [x, codes, scales, ...(zeros ? [zeros] : [])], {
    domain,
    outputs: ['float32'],
    attributes: { K: inputs, N: outputs, bits: 4, block_size: block },
  })[0];
}

const isOurs = ({ domain, opType }: NodeProto, { name }: { name: string }): boolean =>
  domain === DOMAIN && opType === name;
export const isIntegerProduct = (node: NodeProto): boolean => isOurs(node, INTEGER_PRODUCT);

/** A product with a matrix in blocks of few bits, as `convert --dtype int4` and exporters write it. */
export const isBlockProduct = (node: NodeProto): boolean =>
  isOurs(node, BLOCK_PRODUCT) || (node.domain === 'com.microsoft' && node.opType === 'MatMulNBits');

/** [inputs, outputs] of such a product, by its attributes; 0 for one that is missing. */
export const blockProductSizes = ({ attribute }: NodeProto): [number, number] => {
  const size = (of: string) => Number(attribute.find(({ name }) => name === of)?.i ?? 0n);
  return [size('K'), size('N')];
};

/** Whether a product with a matrix in blocks rounds what flows into it. */
export const roundsInputs = (node: NodeProto): boolean =>
  isOurs(node, BLOCK_PRODUCT) ||
  node.attribute.some(({ name, i }) => name === 'accuracy_level' && Number(i) === INT8_ACCURACY);

/** Whether there is a product with int8 in a graph, or in a body of it. */
export const hasIntegerProducts = ({ model }: Graph): boolean =>
  model.functions.some(({ domain, name }) => domain === DOMAIN && name === INTEGER_PRODUCT.name);

function byRows(x: Value, matrix: Value, scales: Value): Value {
  const sizes = Abs(x);
  const largest = Add(Max(ReduceMax(sizes, { axes: [-1] }), LEAST), broken(sizes));
  // The cast cuts what is behind the point.
  const codes = Cast(Add(Mul(x, Div(LARGEST, largest)), ZERO + 0.5), { to: 'uint8' });
  const sums = MatMulInteger(codes, matrix, x.graph.constant(ZERO, 'uint8'));
  // A quotient: the runtime takes a product of scales, here, for one of two numbers, and fuses what then is slower.
  return Mul(Mul(Cast(sums, { to: 'float32' }), Div(largest, LARGEST)), scales);
}

function byBlocks(x: Value, codes: Value, scales: Value, zeros: Value): Value {
  const numbers = BLOCK_PRODUCT.numbers.map((name) => [name, { numberOf: name }] as const);
  const [product] = x.graph.node('MatMulNBits', [x, codes, scales, zeros], {
    domain: 'com.microsoft',
    outputs: ['float32'],
    attributes: { ...Object.fromEntries(numbers), accuracy_level: INT8_ACCURACY },
  });
  return Add(product, broken(Abs(x)));
}

/** 0 for each row, or not a number if one of its sizes is none or infinite: maxima and whole numbers do not keep that. */
const broken = (sizes: Value): Value => Mul(ReduceSum(sizes, { axes: [-1] }), 0);
