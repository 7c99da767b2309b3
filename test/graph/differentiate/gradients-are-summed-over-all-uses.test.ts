import { expect, it } from 'vitest';
import * as ops from '../../../src/graph/operators.js';
import { type Case, gradientError } from './central-differences.js';

const all = { axes: [-1], keepdims: true };
const cases: Record<string, Case> = {
  'a tensor read by many nodes': {
    shapes: [[2, 3]],
    build: (x) => ops.Mul(ops.Add(ops.Exp(x), x), ops.Softmax(ops.Mul(x, ops.Sin(x)))),
  },
  'a sum that is repeated again': {
    shapes: [[2, 3, 4]],
    build: (x) => ops.Div(ops.Exp(x), ops.ReduceSum(ops.Exp(x), all)),
  },
  'a sum of sums, whose gradient is one number until it is multiplied': {
    shapes: [[2, 3, 4], [4]],
    build: (x, w) => ops.ReduceSum(ops.ReduceSum(ops.Mul(ops.Log(ops.Exp(x)), w), all), { axes: [0, 1] }),
  },
  'one summed against an operand that was repeated itself': {
    shapes: [
      [1, 4],
      [3, 1],
    ],
    build: (a, b) => ops.ReduceSum(ops.Tanh(ops.Mul(ops.Add(a, b), b)), { axes: [0, 1], keepdims: false }),
  },
  'the sum of what one operand was repeated into': {
    shapes: [
      [1, 4],
      [3, 4],
    ],
    build: (a, b) => ops.ReduceSum(ops.Add(a, b), { axes: [0], keepdims: false }),
  },
  'layer normalisation, spelt out': {
    shapes: [[2, 3, 4], [4]],
    build: (x, w) => {
      const centred = ops.Sub(x, ops.ReduceMean(x, all));
      const variance = ops.ReduceMean(ops.Mul(centred, centred), all);
      return ops.Mul(ops.Div(centred, ops.Sqrt(ops.Add(variance, 1e-5))), w);
    },
  },
};

it.each(Object.entries(cases))('%s', async (_name, one) => {
  expect(await gradientError(one)).toBeLessThan(1e-8);
});
