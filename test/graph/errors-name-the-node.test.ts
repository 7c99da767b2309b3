import { describe, expect, it } from 'vitest';
import { Graph } from '../../src/graph/graph.js';
import { Add, Gather, MatMul } from '../../src/graph/operators.js';
import { readModelFile } from '../../src/graph/read.js';
import { float32, int64, runGraph } from './run-graph.js';
import { smallNetwork, writeModel } from './small-network.js';

describe('an error', () => {
  it('of the runtime names the operator by the scope it was built in', async () => {
    const graph = Graph.create('g');
    const x = graph.input('x', 'float32', ['n']);
    const ids = graph.input('ids', 'int64', ['m']);
    graph.scope('my_head', () => graph.output(Gather(x, ids), 'y', ['m']));
    const run = runGraph(graph.toBytes(), '', { x: float32([1, 2], [2]), ids: int64([7], [1]) });
    await expect(run).rejects.toThrow(/Gather node\. Name:'my_head\/Gather_\d+'/);
  });

  it('of a graph the runtime does not accept names the operator', async () => {
    const graph = Graph.create('g');
    const x = graph.input('x', 'float32', [2, 3]);
    graph.scope('my_head', () => graph.output(MatMul(x, x), 'y', null));
    await expect(runGraph(graph.toBytes(), '', {})).rejects.toThrow(/my_head\/MatMul_\d+/);
  });

  it('of a file whose node reads what nothing makes names node, operator and tensor', () => {
    const graph = smallNetwork();
    graph.proto.node[1].input[0] = 'nowhere';
    expect(() => readModelFile(writeModel(graph))).toThrow(/"MatMul_\d+" \(MatMul\) reads "nowhere"/);
  });

  it('of an output that is made by no node names the output', () => {
    const graph = smallNetwork();
    graph.proto.node.pop();
    expect(() => readModelFile(writeModel(graph))).toThrow(/"logits"/);
  });

  it('of a name that is already taken names it', () => {
    const graph = smallNetwork();
    expect(() => graph.input('input_ids', 'int64', ['n'])).toThrow(/"input_ids"/);
  });

  it('of operands that are all numbers is ours', () => {
    expect(() => Add(1, 2)).toThrow(TypeError);
  });
});
