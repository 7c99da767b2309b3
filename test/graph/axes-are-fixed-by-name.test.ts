import { expect, it } from 'vitest';
import { fixAxes } from '../../src/graph/fix-axes.js';
import { Graph } from '../../src/graph/graph.js';

it('everywhere in inputs and outputs, and no others', () => {
  const graph = Graph.create('test');
  const a = graph.input('a', 'float32', ['batch', 'length', 4]);
  graph.input('b', 'int64', ['rows', 'batch']);
  graph.output(a, 'a_again', ['batch', 'length', 4]);
  fixAxes(graph, { batch: 3, length: 7 });
  expect(graph.inputs.map(({ shape }) => shape)).toEqual([
    [3, 7, 4],
    ['rows', 3],
  ]);
  expect(graph.outputs[0].shape).toEqual([3, 7, 4]);
});
