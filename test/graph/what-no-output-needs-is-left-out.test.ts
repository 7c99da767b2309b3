import ort from 'onnxruntime-node';
import { expect, it } from 'vitest';
import { Graph } from '../../src/graph/graph.js';
import { Add, Gather, MatMul, Scan } from '../../src/graph/operators.js';
import { prune } from '../../src/graph/prune.js';
import { projectedRows } from '../../src/graph/rows.js';

const options = { logSeverityLevel: 4 } as const;

it('a node that no output needs is not computed: one that would fail does not', async () => {
  const graph = Graph.create('test');
  const x = graph.input('x', 'float32', [3]);
  Gather(x, 7); // out of bounds
  graph.output(Add(x, 1), 'y', [3]);
  const feeds = { x: new ort.Tensor('float32', [1, 2, 3], [3]) };
  const unpruned = await ort.InferenceSession.create(graph.toBytes(), options);
  await expect(unpruned.run(feeds)).rejects.toThrow(/out of data bounds/);
  prune(graph.proto);
  const pruned = await ort.InferenceSession.create(graph.toBytes(), options);
  expect([...((await pruned.run(feeds)).y.data as Float32Array)]).toEqual([2, 3, 4]);
});

it('a product replaced by that of some rows goes, its matrix stays', () => {
  const graph = Graph.create('test');
  const x = graph.input('x', 'float32', ['batch', 'length', 2]);
  const matrix = graph.initializer('matrix', 'float32', [2, 3], [1, 2, 3, 4, 5, 6]);
  graph.output(MatMul(x, matrix), 'logits', ['batch', 'length', 3]);
  const rows = graph.input('rows', 'int64', ['rows', 2]);
  const some = projectedRows(graph, 'logits', rows);
  graph.clearOutputs();
  graph.output(some, 'some', ['rows', 3]);
  prune(graph.proto);
  expect(graph.proto.node.filter(({ opType }) => opType === 'MatMul')).toHaveLength(1);
  expect(graph.proto.initializer.map(({ name }) => name)).toContain(matrix.name);
  expect(graph.inputs.map(({ name }) => name)).toEqual(['x', 'rows']);
});

it('what only the body of a loop reads stays', async () => {
  const graph = Graph.create('test');
  const x = graph.input('x', 'float32', [3]);
  const outer = Add(graph.constant(1, 'float32'), 1);
  Add(outer, 40);
  const [sums] = Scan('body', [x], (slice) => [Add(slice, outer)]);
  graph.output(sums, 'y', [3]);
  prune(graph.proto);
  expect(graph.proto.node.map(({ opType }) => opType)).toEqual(['Add', 'Scan', 'Identity']);
  const session = await ort.InferenceSession.create(graph.toBytes(), options);
  const { y } = await session.run({ x: new ort.Tensor('float32', [1, 2, 3], [3]) });
  expect([...(y.data as Float32Array)]).toEqual([3, 4, 5]);
});
