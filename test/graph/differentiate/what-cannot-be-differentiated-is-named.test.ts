import { expect, it } from 'vitest';
import { ModelError } from '../../../src/errors.js';
import { gradients } from '../../../src/graph/differentiate/gradients.js';
import { Graph, type Value } from '../../../src/graph/graph.js';
import * as ops from '../../../src/graph/operators.js';
import { runGraph } from '../run-graph.js';

const sum = (x: Value) => ops.ReduceSum(x, { axes: [0], keepdims: false });

function failure(build: (x: Value) => Value): ModelError {
  const x = Graph.create('test').input('x', 'float64', [3]);
  const loss = build(x);
  try {
    gradients(loss, [x]);
  } catch (error) {
    if (error instanceof ModelError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

it('an operator without a rule, by its node', () => {
  const error = failure((x) => x.graph.scope('here', () => sum(ops.CumSum(x, 0))));
  expect(error.code).toBe('no-gradient-rule');
  expect(error.message).toContain('here/CumSum_');
});

const plainNode = (op: string, attributes: Record<string, number>, inputs: Value[], domain = '') =>
  inputs[0].graph.node(op, inputs, { outputs: [inputs[0].dtype], attributes, domain })[0];
const rows = (x: Value) => ops.Reshape(x, [1, 1, 3]);
const uses: Record<string, (x: Value) => Value> = {
  'with 3 operands, not two': (x) => plainNode('Max', {}, [x, ops.Neg(x), ops.Mul(x, 2)]),
  'over axes from 0 on': (x) => plainNode('LayerNormalization', { axis: 0 }, [rows(x), rows(x)]),
  'with interleaved': (x) => plainNode('RotaryEmbedding', { interleaved: 1, num_heads: 1 }, [rows(x), x, x]),
  'with more inputs than three': (x) =>
    plainNode('MultiHeadAttention', { num_heads: 1 }, Array(4).fill(rows(x)), 'com.microsoft'),
  'with a vector as operand': (x) => plainNode('MatMul', {}, [x, x]),
};

it.each(Object.entries(uses))('a use of an operator that its rule does not cover: %s', (why, build) => {
  const error = failure((x) => {
    const y = build(x);
    return why === 'with a vector as operand' ? y : sum(ops.Reshape(y, [-1]));
  });
  expect(error.code).toBe('no-gradient-rule');
  expect(error.message).toContain(why);
});

it('an operator of unknown shape', () => {
  const error = failure((x) => sum(ops.Exp(x.graph.node('Unheard', [x], { outputs: ['float64'] })[0])));
  expect(error.code).toBe('shape-not-known');
  expect(error.message).toContain('Unheard_');
});

it('a loss of more than one number', () => {
  expect(failure((x) => x).message).toContain('[3]');
});

it('but not what lies beside the way to the loss, or turns numbers into integers', async () => {
  const graph = Graph.create('test');
  const x = graph.input('x', 'float32', [3]);
  const unused = graph.input('unused', 'float32', [2]);
  graph.output(ops.CumSum(x, 0), 'beside');
  const largest = ops.Cast(ops.ArgMax(x, { axis: 0, keepdims: false }), { to: 'float32' });
  const [atX, atUnused] = gradients(sum(ops.Mul(x, largest)), [x, unused]);
  graph.output(atX, 'x_gradient');
  graph.output(atUnused, 'unused_gradient');
  const feeds = { x: [1, 5, 2], unused: [1, 1] };
  const { default: ort } = await import('onnxruntime-node');
  const outputs = await runGraph(
    graph.toBytes(),
    '',
    Object.fromEntries(
      Object.entries(feeds).map(([name, data]) => [
        name,
        new ort.Tensor('float32', Float32Array.from(data), [data.length]),
      ]),
    ),
  );
  expect([...(outputs.x_gradient.data as Float32Array)]).toEqual([1, 1, 1]);
  expect([...(outputs.unused_gradient.data as Float32Array)]).toEqual([0, 0]);
});

it('and where a gradient is not unique, it is a finite one: 0 for |x| at 0', async () => {
  const graph = Graph.create('test');
  const x = graph.input('x', 'float32', [3]);
  const [atX] = gradients(sum(ops.Abs(x)), [x]);
  graph.output(atX, 'x_gradient');
  const { default: ort } = await import('onnxruntime-node');
  const feeds = { x: new ort.Tensor('float32', Float32Array.of(-2, 0, 3), [3]) };
  const outputs = await runGraph(graph.toBytes(), '', feeds);
  expect([...(outputs.x_gradient.data as Float32Array)]).toEqual([-1, 0, 1]);
});
