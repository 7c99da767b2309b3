/** Checkpoints small enough to be read in a test. */
import { writeFileSync } from 'node:fs';
import type { Graph } from '../../src/graph/graph.js';
import type { Feeds } from '../../src/models/feeds.js';
import { smallNetwork, writeModel } from '../graph/small-network.js';

export { smallNetwork, writeModel };

/** Writes a graph with a card beside it. @returns the model's path */
export function writeCheckpoint(card: object | string | null, graph: Graph = smallNetwork()): string {
  const path = writeModel(graph);
  if (card !== null) {
    writeFileSync(
      path.replace('.onnx', '.card.json'),
      typeof card === 'string' ? card : JSON.stringify(card),
    );
  }
  return path;
}

export const vector = (values: readonly number[]): Feeds => ({
  x: { type: 'float32', data: Float32Array.from(values), dims: [values.length] },
});
