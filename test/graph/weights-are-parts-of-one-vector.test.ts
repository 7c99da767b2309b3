import { expect, it } from 'vitest';
import { Graph } from '../../src/graph/graph.js';
import { Add, MatMul, Mul } from '../../src/graph/operators.js';
import { packedOffsets, packWeights, readWeightsFrom } from '../../src/graph/packed-weights.js';
import { float32, runGraph } from './run-graph.js';

it('a graph reads its weights from a vector under their own names, and packs tensors in the same order', async () => {
  const graph = Graph.create('test');
  const x = graph.input('x', 'float32', [1, 2]);
  const weights = [
    { name: 'matrix', dims: [2, 3] },
    { name: 'bias', dims: [3] },
    { name: 'scale', dims: [] },
  ];
  const [matrix, bias, scale] = weights.map(({ name, dims }) => graph.weight(name, 'float32', dims));
  const y = Mul(Add(MatMul(x, matrix), bias), scale);
  const { offsets, total } = packedOffsets(weights);
  expect([offsets, total]).toEqual([[0, 6, 9], 10]);

  readWeightsFrom(graph.input('vector', 'float32', [total]), weights);
  graph.output(y, 'y');
  graph.output(packWeights(graph, [matrix, bias, scale]), 'again');
  expect(graph.proto.initializer.map(({ name }) => name)).not.toContain('matrix');
  const vector = [1, 2, 3, 4, 5, 6, 10, 20, 30, 2];
  const outputs = await runGraph(graph.toBytes(), '', {
    x: float32([1, -1], [1, 2]),
    vector: float32(vector, [total]),
  });
  expect([...(outputs.y.data as Float32Array)]).toEqual([14, 34, 54]);
  expect([...(outputs.again.data as Float32Array)]).toEqual(vector);
});
