/** About src/graph/rows.ts: shiftLogits. */
import ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { Graph } from '../../src/graph/graph.js';
import { Add, Gather, MatMul, Mul } from '../../src/graph/operators.js';
import { projection, shiftLogits } from '../../src/graph/rows.js';
import { runGraph } from './run-graph.js';

const VOCABULARY = 5;

/** @param bias has an axis of its own for positions, so that the graph does not end in a product with a vocabulary matrix */
function network({ bias = false, scale = 1 } = {}): Graph {
  const graph = Graph.create('network');
  const ids = graph.input('input_ids', 'int64', ['batch', 'length']);
  const weights = Float32Array.from({ length: VOCABULARY ** 2 }, (_, i) => Math.sin(i * 1.7));
  const table = graph.initializer('table', 'float32', [VOCABULARY, VOCABULARY], weights);
  let logits = MatMul(Gather(table, ids), table);
  if (scale !== 1) logits = Mul(logits, scale);
  if (bias) {
    const perPosition = Float32Array.from({ length: 4 * VOCABULARY }, (_, i) => Math.cos(i));
    logits = Add(logits, graph.initializer('bias', 'float32', [1, 4, VOCABULARY], perPosition));
  }
  graph.output(logits, 'logits', ['batch', 'length', VOCABULARY]);
  return graph;
}

async function rowsOf(graph: Graph, ids: readonly number[][]): Promise<number[][]> {
  const inputIds = new ort.Tensor('int64', BigInt64Array.from(ids.flat(), BigInt), [
    ids.length,
    ids[0].length,
  ]);
  const { logits } = await runGraph(graph.toBytes(), '', { input_ids: inputIds });
  const data = logits.data as Float32Array;
  return ids.flat().map((_, i) => Array.from(data.subarray(i * VOCABULARY, (i + 1) * VOCABULARY)));
}

const IDS = [
  [0, 3, 1, 4],
  [2, 2, 4, 0],
];

describe.each([
  ['that ends in a product with the vocabulary', {}],
  ['that scales its logits', { scale: 0.5 }],
  ['that ends in something else', { bias: true }],
])('a graph %s', (_, shape) => {
  it('gives row i − 1 for token i, and row 0 twice', async () => {
    const raw = await rowsOf(network(shape), IDS);
    const graph = network(shape);
    shiftLogits(graph, 'logits', 'float32');
    expect(await rowsOf(Graph.fromBytes(graph.toBytes()), IDS)).toEqual(
      [0, 0, 1, 2, 4, 4, 5, 6].map((row) => raw[row]),
    );
  });

  it('still ends as before, so that single rows can be asked for', () => {
    const graph = network(shape);
    const before = projection(graph, 'logits') !== null;
    shiftLogits(graph, 'logits', 'float32');
    expect(projection(graph, 'logits') !== null).toBe(before);
  });

  it('of one token is as it was', async () => {
    if ('bias' in shape) return;
    const graph = network(shape);
    shiftLogits(graph, 'logits', 'float32');
    expect(await rowsOf(graph, [[3]])).toEqual(await rowsOf(network(shape), [[3]]));
  });
});
