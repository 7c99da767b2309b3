import { describe, expect, it } from 'vitest';
import { gradientRules } from '../../../src/graph/differentiate/rules/index.js';
import type { Value } from '../../../src/graph/graph.js';
import * as ops from '../../../src/graph/operators.js';
import { type Case, gradientError } from './central-differences.js';

const unary = (build: (x: Value) => Value, between?: readonly [number, number]): Case[] => [
  { shapes: [[3, 4]], build, between },
  { shapes: [[]], build, between },
];

const SHAPES = [
  [
    [3, 4],
    [3, 4],
  ],
  [[2, 3, 4], [4]],
  [[4], [2, 3, 4]],
  [
    [2, 1, 4],
    [3, 1],
  ],
  [[2, 3], []],
  [
    [1, 1],
    [2, 3],
  ],
];
const binary = (build: (a: Value, b: Value) => Value, between?: readonly [number, number]): Case[] => [
  ...SHAPES.map((shapes) => ({ shapes, build, between })),
  // One value as both, and a constant.
  { shapes: [[2, 3]], build: (x) => build(x, x), between },
  { shapes: [[2, 3]], build: (x) => build(x, x.graph.constant([0.5, 1.5, 2.5], 'float64')), between },
];

const indices = (x: Value, values: readonly number[], dims: readonly number[]) =>
  x.graph.initializer('indices', 'int64', dims, values);

const node =
  (op: string, attributes = {}) =>
  (...inputs: Value[]) =>
    inputs[0].graph.node(op, inputs, { outputs: [inputs[0].dtype], attributes })[0];

const reduced = (
  reduce: (x: Value, o: { axes: number[]; keepdims?: boolean }) => Value,
  between?: [number, number],
) =>
  [
    { axes: [1] },
    { axes: [-1], keepdims: false },
    { axes: [0, 2] },
    { axes: [1, 0], keepdims: false },
    { axes: [0, 1, 2], keepdims: false },
  ].map((options): Case => ({ shapes: [[2, 3, 4]], build: (x) => reduce(x, options), between }));

const POSITIVE = [0.2, 3] as const;
const cases: Record<string, Case[]> = {
  Identity: unary(ops.Identity),
  Neg: unary(ops.Neg),
  Exp: unary(ops.Exp),
  Log: unary(ops.Log, POSITIVE),
  Sqrt: unary(ops.Sqrt, POSITIVE),
  Reciprocal: unary(ops.Reciprocal, POSITIVE),
  Abs: unary(ops.Abs),
  Sin: unary(ops.Sin),
  Cos: unary(ops.Cos),
  Tanh: unary(ops.Tanh),
  Sigmoid: unary(ops.Sigmoid),
  Add: binary(ops.Add),
  Sub: binary(ops.Sub),
  Mul: binary(ops.Mul),
  Div: binary(ops.Div, POSITIVE),
  Pow: binary(ops.Pow, POSITIVE),
  Max: SHAPES.map((shapes) => ({ shapes, build: ops.Max })),
  Min: SHAPES.map((shapes) => ({ shapes, build: ops.Min })),
  Where: [
    { shapes: [[3, 4], [4]], build: (a, b) => ops.Where(ops.Greater(a, 0), a, b) },
    { shapes: [[4], [3, 1]], build: (a, b) => ops.Where(ops.Less(a, b), a, 1.5) },
    { shapes: [[], [2, 2]], build: (a, b) => ops.Where(ops.Less(b, 0), a, b) },
  ],
  MatMul: [
    {
      shapes: [
        [3, 4],
        [4, 2],
      ],
      build: ops.MatMul,
    },
    {
      shapes: [
        [2, 3, 4],
        [4, 5],
      ],
      build: ops.MatMul,
    },
    {
      shapes: [
        [2, 2, 3, 4],
        [4, 5],
      ],
      build: ops.MatMul,
    },
    {
      shapes: [
        [2, 3, 4],
        [2, 4, 5],
      ],
      build: ops.MatMul,
    },
    {
      shapes: [
        [2, 2, 3, 4],
        [2, 1, 4, 2],
      ],
      build: ops.MatMul,
    },
    {
      shapes: [
        [3, 4],
        [2, 4, 2],
      ],
      build: ops.MatMul,
    },
  ],
  Gemm: [0, 1].flatMap((transA) =>
    [0, 1].map(
      (transB): Case => ({
        shapes: [transA ? [4, 3] : [3, 4], transB ? [2, 4] : [4, 2], [2]],
        build: node('Gemm', { transA, transB, alpha: { float: 0.5 }, beta: { float: 2 } }),
      }),
    ),
  ),
  ReduceSum: reduced(ops.ReduceSum),
  ReduceMean: reduced(ops.ReduceMean),
  ReduceMax: reduced(ops.ReduceMax),
  ReduceMin: reduced(ops.ReduceMin),
  ReduceSumSquare: reduced(
    (x, { axes, keepdims = true }) =>
      x.graph.node('ReduceSumSquare', [x, x.graph.constant(axes, 'int64')], {
        outputs: [x.dtype],
        attributes: { keepdims: Number(keepdims) },
      })[0],
  ),
  ReduceLogSum: reduced(ops.ReduceLogSum, [0.2, 3]),
  ReduceLogSumExp: reduced(ops.ReduceLogSumExp),
  Softmax: [-1, 1].map((axis) => ({ shapes: [[2, 3, 4]], build: (x) => ops.Softmax(x, { axis }) })),
  LogSoftmax: [-1, 1].map((axis) => ({ shapes: [[2, 3, 4]], build: (x) => ops.LogSoftmax(x, { axis }) })),
  Reshape: [{ shapes: [[2, 6]], build: (x) => ops.Exp(ops.Reshape(x, [0, 3, -1])) }],
  Squeeze: [{ shapes: [[2, 1, 3]], build: (x) => ops.Squeeze(x, [1]) }],
  Unsqueeze: [{ shapes: [[2, 3]], build: (x) => ops.Unsqueeze(x, [0, -1]) }],
  Flatten: [{ shapes: [[2, 3, 2]], build: (x) => ops.Flatten(x, { axis: 2 }) }],
  Transpose: [{ shapes: [[2, 3, 4]], build: (x) => ops.Transpose(x, { perm: [2, 0, 1] }) }],
  Expand: [
    { shapes: [[3, 1]], build: (x) => ops.Expand(x, x.graph.constant([2, 3, 4], 'int64')) },
    { shapes: [[]], build: (x) => ops.Expand(x, x.graph.constant([2, 3], 'int64')) },
  ],
  Concat: [
    {
      shapes: [
        [2, 1],
        [2, 3],
      ],
      build: (a, b) => ops.Concat([a, b, a], { axis: -1 }),
    },
  ],
  Split: [
    { shapes: [[2, 6]], build: (x) => ops.Split(x, [1, 3, 2], { axis: 1 }) },
    { shapes: [[2, 6]], build: (x) => [ops.Split(x, [1, 3, 2], { axis: 1 })[1]] },
  ],
  Slice: [
    { shapes: [[3, 5]], build: (x) => ops.Slice(x, { starts: [1], ends: [-1], axes: [1] }) },
    { shapes: [[3, 5]], build: (x) => ops.Slice(x, { starts: [1, 0], ends: [9, 2], axes: [0, -1] }) },
    {
      // Adjoining, overlapping and along two axes.
      shapes: [[4, 6]],
      build: (x) =>
        [
          [0, 2, 1],
          [2, 6, 1],
          [1, 3, 1],
          [3, 5, 1],
          [1, 3, 0],
        ].map(([from, to, axis]) => ops.Slice(x, { starts: [from], ends: [to], axes: [axis] })),
    },
  ],
  Gather: [
    { shapes: [[4, 3]], build: (x) => ops.Gather(x, indices(x, [1, 3, 1, -1], [2, 2])) },
    { shapes: [[2, 4, 3]], build: (x) => ops.Gather(x, indices(x, [0, 2, 0], [3]), { axis: 1 }) },
    { shapes: [[2, 3]], build: (x) => ops.Gather(x, -1, { axis: 1 }) },
    { shapes: [[2, 3]], build: (x) => ops.Add(ops.Gather(x, 0, { axis: 1 }), ops.Gather(x, 2, { axis: 1 })) },
  ],
  GatherElements: [
    { shapes: [[2, 4]], build: (x) => ops.GatherElements(x, indices(x, [3, 3, 0, 1], [2, 2])) },
    {
      shapes: [[2, 4]],
      build: (x) => ops.Add(ops.Exp(x), ops.GatherElements(x, indices(x, [3, 0], [2, 1]))),
    },
  ],
  GatherND: [
    { shapes: [[2, 3, 4]], build: (x) => ops.GatherND(x, indices(x, [0, 2, 1, -1, 0, 2], [3, 2])) },
    { shapes: [[3, 2]], build: (x) => ops.GatherND(x, indices(x, [2, 1, 0, 0], [2, 2])) },
  ],
};

/** Cast changes the precision that differences would be taken in, and fused operators and Erf have float32 alone: whole networks
 *  have these, in test/training. */
const ELSEWHERE = [
  'Cast',
  'LayerNormalization',
  'RMSNormalization',
  'Gelu',
  'Erf',
  'RotaryEmbedding',
  'com.microsoft.FastGelu',
  'com.microsoft.MultiHeadAttention',
];

it('every operator with a rule is tried', () => {
  expect(Object.keys(gradientRules).filter((op) => !(op in cases) && !ELSEWHERE.includes(op))).toEqual([]);
});

describe.each(Object.entries(cases))('the gradient of %s', (_op, list) => {
  it.each(list.map((one, i) => [one.shapes.map((shape) => `[${shape}]`).join(' '), one, i] as const))(
    'at %s equals central differences',
    async (_name, one, i) => {
      expect(await gradientError({ ...one, seed: 10 * i + 1 })).toBeLessThan(1e-8);
    },
  );
});
