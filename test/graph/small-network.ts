/** A network small enough to be read in a test: logits = E[input_ids]·W, optionally shifted by sigma. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Graph } from '../../src/graph/graph.js';
import { Add, Gather, MatMul, Unsqueeze } from '../../src/graph/operators.js';
import { temporaryFolder } from '../support/folder.js';

export interface NetworkShape {
  vocabSize?: number;
  width?: number;
  batch?: number | string;
  length?: number | string;
  sigma?: boolean;
  logits?: string;
}

export function smallNetwork({
  vocabSize = 32,
  width = 16,
  batch = 'batch',
  length = 'length',
  sigma = false,
  logits = 'logits',
}: NetworkShape = {}): Graph {
  const graph = Graph.create('small');
  const ids = graph.input('input_ids', 'int64', [batch, length]);
  const weights = (count: number, phase: number) =>
    Float32Array.from({ length: count }, (_, i) => Math.sin(i * 0.7 + phase));
  const embedding = graph.initializer(
    'embedding',
    'float32',
    [vocabSize, width],
    weights(vocabSize * width, 0),
  );
  const projection = graph.initializer(
    'projection',
    'float32',
    [width, vocabSize],
    weights(vocabSize * width, 1),
  );
  let scores = MatMul(Gather(embedding, ids), projection);
  if (sigma) scores = Add(scores, Unsqueeze(graph.input('sigma', 'float32', [batch]), [1, 2]));
  graph.output(scores, logits, [batch, length, vocabSize]);
  return graph;
}

/** Writes a graph as `name` into a folder of its own. @returns its path */
export function writeModel(graph: Graph, name = 'small.onnx', folder = temporaryFolder().root): string {
  const path = join(folder, name);
  writeFileSync(path, graph.toBytes());
  return path;
}
