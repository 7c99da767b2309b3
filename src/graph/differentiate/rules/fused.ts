/**
 * The operators of fused-operators.ts. They keep no intermediate values except those in their other outputs; the rest is
 * recomputed in as few passes over memory as possible, because passes dominate the cost of these gradients.
 */
import { RotaryEmbedding } from '../../fused-operators.js';
import { MatMul, Neg, Softmax } from '../../operators.js';
import { whole } from '../contributions.js';
import { noRule, type Rule, type Rules, type Site } from '../rule.js';
import {
  type Axes,
  errorFunction,
  exponential,
  fixedSize,
  logistic,
  minus,
  plus,
  power,
  reshape,
  type Shaped,
  sum,
  times,
  transpose,
  unbroadcast,
  withShape,
} from '../shaped.js';

/** With x̂ = (x − mean)/deviation and n numbers per row: (g·w − Σ g w/n − x̂·Σ g w x̂/n)/deviation. */
const layerNormalization: Rule = (site) => {
  const [x, scale, bias] = site.inputs;
  const axis = site.node.int('axis', -1);
  if (axis !== -1 && axis !== x.shape.length - 1) throw noRule(site.node, `over axes from ${axis} on`);
  const gradient = site.fullGradient();
  const [mean, inverse] = moments(site);
  const normalised = times(minus(x, mean), inverse);
  const along = times(gradient, normalised);
  const width = fixedSize(x.shape[x.shape.length - 1]);
  const average = reshape(times(scale, 1 / width), [width, 1]);
  const rowMean = (value: Shaped) => withShape(MatMul(value, average), [...x.shape.slice(0, -1), 1]);
  const centred = minus(minus(times(gradient, scale), times(normalised, rowMean(along))), rowMean(gradient));
  return [
    whole(times(centred, inverse)),
    whole(unbroadcast(along, x.shape, scale.shape)),
    bias ? whole(unbroadcast(gradient, x.shape, bias.shape)) : null,
  ];
};

/** Mean and 1/deviation of each row: optional outputs of the node, declared here. */
function moments({ node: { proto }, inputs: [x] }: Site): Shaped[] {
  return ['mean', 'inverse'].map((name, i) => {
    proto.output[i + 1] ||= `${proto.name}:${name}`;
    return { graph: x.graph, name: proto.output[i + 1], dtype: x.dtype, shape: [...x.shape.slice(0, -1), 1] };
  });
}

/** With x̂ = x/√(mean of x² + ε) and n numbers per row: (g·w − x̂·Σ g w x̂/n)/√(mean of x² + ε). */
const rmsNormalization: Rule = (site) => {
  const [x, scale] = site.inputs;
  const axis = site.node.int('axis', -1);
  if (axis !== -1 && axis !== x.shape.length - 1) throw noRule(site.node, `over axes from ${axis} on`);
  const gradient = site.fullGradient();
  const rowMean = (value: Shaped) => times(sum(value, [-1]), 1 / fixedSize(x.shape[x.shape.length - 1]));
  const inverse = power(plus(rowMean(times(x, x)), site.node.float('epsilon', 1e-5)), -0.5);
  const normalised = times(x, inverse);
  const along = times(gradient, normalised);
  const change = minus(times(gradient, scale), times(normalised, rowMean(times(along, scale))));
  return [whole(times(change, inverse)), whole(unbroadcast(along, x.shape, scale.shape))];
};

const A = 0.044715;
const C = Math.sqrt(2 / Math.PI);

/** y = u·s, s = sigmoid(2c(u + au³)):  y' = s + (y − y s)·2c(1 + 3au²). */
function tanhGeluSlope(u: Shaped, y: Shaped): Shaped {
  const square = plus(times(u, u), 1 / A);
  const s = logistic(times(times(u, square), 2 * C * A));
  return plus(times(minus(y, times(y, s)), times(minus(square, 2 / (3 * A)), 6 * C * A)), s);
}

const fastGelu: Rule = (site) => {
  const [x, bias] = site.inputs;
  const [y] = site.outputs;
  const gradient = times(site.gradient(), tanhGeluSlope(bias ? plus(x, bias) : x, y));
  return [whole(gradient), bias ? whole(unbroadcast(gradient, y.shape, bias.shape)) : null];
};

/** x·Φ(x):  Φ(x) + x·φ(x); or its tanh approximation. */
const gelu: Rule = (site) => {
  const [x] = site.inputs;
  if (site.node.text('approximate', 'none') === 'tanh')
    return [whole(times(site.gradient(), tanhGeluSlope(x, site.outputs[0])))];
  const share = times(plus(errorFunction(times(x, Math.SQRT1_2)), 1), 0.5);
  const density = times(exponential(times(times(x, x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
  return [whole(times(site.gradient(), plus(share, times(x, density))))];
};

/** Rotates back by the same angles. */
const rotaryEmbedding: Rule = (site) => {
  const [x, cos, sin, positions] = site.inputs;
  if (site.node.int('interleaved', 0) !== 0) throw noRule(site.node, 'with interleaved');
  const options = { heads: site.node.int('num_heads', 0), turned: site.node.int('rotary_embedding_dim', 0) };
  return [whole(withShape(RotaryEmbedding(site.fullGradient(), cos, Neg(sin), positions, options), x.shape))];
};

/** Added to the scores of hidden positions. */
const UNSEEN = -1e9;

/**
 * With P = softmax(q kᵀ/√size) and o = P v, by heads:
 *
 *     dv = Pᵀ g     dS = P ∘ (g vᵀ − Σ g∘o)     dq = dS k/√size     dk = dSᵀ q/√size
 *
 * The row sums of P ∘ g vᵀ equal those of g∘o (Dao et al., arXiv 2205.14135, appendix B), which is far smaller.
 */
const multiHeadAttention: Rule = (site) => {
  const { node, inputs } = site;
  if (inputs.slice(3).some((input) => input !== null)) throw noRule(node, 'with more inputs than three');
  if (node.float('scale', 0) !== 0) throw noRule(node, 'with a scale of its own');
  const heads = node.int('num_heads', 1);
  const [query, key, value] = inputs;
  const size = fixedSize(query.shape[2]) / heads;
  const ofHeads = (x: Shaped) => reshape(x, [x.shape[0], x.shape[1], heads, size]);
  const byHeads = (x: Shaped) => transpose(ofHeads(x), [0, 2, 1, 3]); // [batch, heads, length, size]
  const columns = (x: Shaped) => transpose(ofHeads(x), [0, 2, 3, 1]); // [batch, heads, size, length]
  const together = (x: Shaped, like: Shaped) => reshape(transpose(x, [0, 2, 1, 3]), like.shape);
  const columnsTogether = (x: Shaped, like: Shaped) => reshape(transpose(x, [0, 3, 1, 2]), like.shape);

  const scaled = times(query, 1 / Math.sqrt(size));
  const gradient = site.fullGradient();
  const scores = product(byHeads(scaled), columns(key));
  const seen = node.int('unidirectional', 0) === 1 ? plus(scores, causalBias(query)) : scores;
  const weights = withShape(Softmax(seen), seen.shape);
  const along = sum(times(ofHeads(gradient), ofHeads(site.outputs[0])), [-1]);
  const change = minus(product(byHeads(gradient), columns(value)), transpose(along, [0, 2, 1, 3]));
  const atScores = times(weights, change);
  // Products with transposed score matrices, computed as transposes of products with the matrices themselves.
  return [
    whole(times(together(product(atScores, byHeads(key)), query), 1 / Math.sqrt(size))),
    whole(columnsTogether(product(columns(scaled), atScores), key)),
    whole(columnsTogether(product(columns(gradient), weights), value)),
  ];
};

function product(a: Shaped, b: Shaped): Shaped {
  const shape: Axes = [...a.shape.slice(0, -1), b.shape[b.shape.length - 1]];
  return withShape(MatMul(a, b), shape);
}

/** 0 where position i sees position j ≤ i, [length, length]. */
function causalBias(query: Shaped): Shaped {
  const length = fixedSize(query.shape[1]);
  const bias = Float32Array.from({ length: length * length }, (_, i) =>
    i % length > Math.floor(i / length) ? UNSEEN : 0,
  );
  const dims = [length, length];
  return withShape(query.graph.initializer('causal_bias', 'float32', dims, bias), dims);
}

export const fusedRules: Rules = {
  LayerNormalization: layerNormalization,
  RMSNormalization: rmsNormalization,
  Gelu: gelu,
  RotaryEmbedding: rotaryEmbedding,
  'com.microsoft.FastGelu': fastGelu,
  'com.microsoft.MultiHeadAttention': multiHeadAttention,
};
