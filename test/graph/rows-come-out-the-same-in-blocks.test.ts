import { expect, it } from 'vitest';
import { Graph } from '../../src/graph/graph.js';
import { MatMul, Mul, ReduceMax, ReduceSum } from '../../src/graph/operators.js';
import { inRowBlocks } from '../../src/graph/rows.js';
import { float32, runGraph } from './run-graph.js';

const WIDTH = 3;

it.each([1, 3, 4, 5, 8, 11])('%i rows in blocks of 4', async (count) => {
  const graph = Graph.create('test');
  const rows = graph.input('rows', 'float32', ['n', WIDTH]);
  const factor = graph.input('factor', 'float32', ['n']);
  const matrix = graph.initializer('matrix', 'float32', [WIDTH, 2], [1, 2, 3, 4, 5, 6]);
  const [sums, largest] = inRowBlocks('sums', [rows, factor], 4, (block, times) => {
    const products = MatMul(block, matrix);
    return [
      Mul(ReduceSum(products, { axes: [-1], keepdims: false }), times),
      ReduceMax(products, { axes: [-1], keepdims: false }),
    ];
  });
  graph.output(sums, 'sums', ['n']);
  graph.output(largest, 'largest', ['n']);

  const values = Array.from({ length: count * WIDTH }, (_, i) => i + 1);
  const factors = Array.from({ length: count }, (_, i) => i - 2);
  const outputs = await runGraph(graph.toBytes(), '', {
    rows: float32(values, [count, WIDTH]),
    factor: float32(factors, [count]),
  });
  const expected = factors.map((times, i) => {
    const [a, b, c] = values.slice(i * WIDTH);
    return times * (3 * a + 7 * b + 11 * c);
  });
  expect(outputs.sums.dims).toEqual([count]);
  expect([...(outputs.sums.data as Float32Array)]).toEqual(expected);

  const second = factors.map((_, i) => {
    const [a, b, c] = values.slice(i * WIDTH);
    return 2 * a + 4 * b + 6 * c;
  });
  expect([...(outputs.largest.data as Float32Array)]).toEqual(second);
});
