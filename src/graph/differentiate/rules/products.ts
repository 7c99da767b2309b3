/** Matrix products. */
import { MatMul } from '../../operators.js';
import { type Contribution, whole } from '../contributions.js';
import { noRule, type Rule, type Rules } from '../rule.js';
import {
  type Axes,
  broadcastShape,
  matrixTranspose,
  reshape,
  type Shaped,
  times,
  unbroadcast,
  withShape,
} from '../shaped.js';

/** a·b, with either matrix transposed if requested, which the runtime's Gemm does without a copy. */
function matrixProduct(a: Shaped, b: Shaped, { transA = 0, transB = 0 } = {}): Shaped {
  const [product] = a.graph.node('Gemm', [a, b], { outputs: [a.dtype], attributes: { transA, transB } });
  return withShape(product, [a.shape[transA], b.shape[1 - transB]]);
}

/** Flattens all axes but the last. */
function asRows(x: Shaped): Shaped {
  const leading = x.shape.slice(0, -1);
  if (leading.length === 1) return x;
  const sizes = leading.map((axis) => (typeof axis === 'number' ? axis : Number.NaN));
  const rows = sizes.reduce((a, b) => a * b, 1);
  return reshape(x, [Number.isNaN(rows) ? leading.join('·') : rows, x.shape[x.shape.length - 1]]);
}

function batchedProduct(a: Shaped, b: Shaped): Shaped {
  const shape: Axes = [
    ...broadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2)),
    a.shape[a.shape.length - 2],
    b.shape[b.shape.length - 1],
  ];
  return withShape(MatMul(a, b), shape);
}

/** x·W over all leading axes of x, or a batch of matrix products. */
const matMul: Rule = (site) => {
  const [a, b] = site.inputs;
  if (a.shape.length < 2 || b.shape.length < 2) throw noRule(site.node, 'with a vector as operand');
  const gradient = site.fullGradient();
  if (b.shape.length === 2) {
    const rows = asRows(gradient);
    return [
      site.wanted(0) ? whole(reshape(matrixProduct(rows, b, { transB: 1 }), a.shape)) : null,
      site.wanted(1) ? whole(matrixProduct(asRows(a), rows, { transA: 1 })) : null,
    ];
  }
  const at = (operand: 0 | 1, value: () => Shaped): Contribution | null => {
    if (!site.wanted(operand)) return null;
    const result = value();
    return whole(unbroadcast(result, result.shape, site.inputs[operand].shape));
  };
  return [
    at(0, () => batchedProduct(gradient, matrixTranspose(b))),
    at(1, () => batchedProduct(matrixTranspose(a), gradient)),
  ];
};

/** alpha·a'·b' + beta·c, a' and b' optionally transposed. */
const gemm: Rule = (site) => {
  const { node, inputs } = site;
  const [a, b, c] = inputs;
  const [transA, transB] = [node.int('transA', 0), node.int('transB', 0)];
  const [alpha, beta] = [node.float('alpha', 1), node.float('beta', 1)];
  const gradient = site.fullGradient();
  const scaled = (value: Shaped, factor: number) => (factor === 1 ? value : times(value, factor));
  const g = scaled(gradient, alpha);
  const atA = transA
    ? matrixProduct(b, g, { transA: transB, transB: 1 })
    : matrixProduct(g, b, { transB: 1 - transB });
  const atB = transB
    ? matrixProduct(g, a, { transA: 1, transB: transA })
    : matrixProduct(a, g, { transA: 1 - transA });
  const terms: (Contribution | null)[] = [whole(atA), whole(atB)];
  if (c) terms.push(whole(unbroadcast(scaled(gradient, beta), gradient.shape, c.shape)));
  return terms;
};

export const productRules: Rules = { MatMul: matMul, Gemm: gemm };
